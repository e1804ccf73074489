import type { Peer } from '../../api/types.ts'
import { shortId } from '../../format.ts'
import { healthOf } from './health.ts'
import { layoutOf, type Placed } from './layout.ts'

/** Seeds have names in the picture while there are so many at most. */
const NAMED_SEEDS = 12

/** The mesh as this node sees it: itself in the middle. The list beside it says the same to those who do not see it. */
export function Picture({ peers, role }: { readonly peers: readonly Peer[]; readonly role: string }) {
  const { placed, zones, radius } = layoutOf(peers)
  const seeds = peers.filter((peer) => peer.role === 'seed').length
  const away = peers.filter(({ connected }) => !connected).length
  const summary = `This node, ${seeds} seeds and ${peers.length - seeds} members around it, ${away} of them away`
  return (
    <figure class="card picture">
      <svg viewBox={`${-radius} ${-radius} ${2 * radius} ${2 * radius}`} role="img" aria-label={summary}>
        {placed.map(({ peer, x, y }) => peer.connected && <line key={peer.id} class="link" x1="0" y1="0" x2={x} y2={y} />)}
        <circle class="self" r="17" />
        <text class="self-name" y="33">
          this node ({role})
        </text>
        {placed.map((one) => (
          <Dot key={one.peer.id} {...one} named={one.peer.role === 'seed' && seeds <= NAMED_SEEDS} />
        ))}
        {zones.map(({ name, x, y }) => (
          <text key={name} x={x} y={y}>
            {name}
          </text>
        ))}
      </svg>
      <figcaption>
        <ul class="legend">
          <li>■ seed</li>
          <li>● member, connected</li>
          <li>○ away</li>
          <li>▲ not believed</li>
          <li>✖ in quarantine</li>
        </ul>
      </figcaption>
    </figure>
  )
}

function Dot({ peer, x, y, named }: Placed & { readonly named: boolean }) {
  const { health, text } = healthOf(peer)
  const size = peer.role === 'seed' ? 10 : 5.5
  return (
    <g class={`dot ${health}`} transform={`translate(${x} ${y})`}>
      <a href={`#/mesh/${peer.id}`} tabIndex={-1}>
        <title>{`${peer.role} ${shortId(peer.id)}, ${text}`}</title>
        <Shape health={health} role={peer.role} size={size} />
      </a>
      {named && (
        <text y={size + 13} class="seed-name">
          {shortId(peer.id)}
        </text>
      )}
    </g>
  )
}

function Shape({ health, role, size }: { readonly health: string; readonly role: Peer['role']; readonly size: number }) {
  if (health === 'bad') return <path d={`M${-size} ${-size}L${size} ${size}M${size} ${-size}L${-size} ${size}`} />
  if (health === 'warn') return <path d={`M0 ${-size}L${size} ${size}H${-size}Z`} />
  return role === 'seed' ? <rect x={-size} y={-size} width={2 * size} height={2 * size} rx="2" /> : <circle r={size} />
}
