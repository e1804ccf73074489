import { useState } from 'preact/hooks'
import type { Peers } from '../../../api/peers-schema.ts'
import type { Peer } from '../../api/types.ts'
import { useAnswer } from '../../api/use-answer.ts'
import type { NodeView } from '../../api/use-status.ts'
import * as format from '../../format.ts'
import { Field } from '../../parts/field.tsx'
import { HealthBadge } from '../../parts/health.tsx'
import { Notice } from '../../parts/notice.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { healthOf } from './health.ts'
import { PeerDialog } from './peer-dialog.tsx'
import { Picture } from './picture.tsx'

/** Px. */
const ROW = 56

interface MeshProps {
  readonly node: NodeView
  /** Peer id of the member that is shown in full. */
  readonly rest: string
}

/** The other members of the mesh, as a picture and as a list. */
export function Mesh({ node: { value }, rest }: MeshProps) {
  const [sought, setSought] = useState('')
  const inMesh = value !== undefined && value.mesh.state !== 'lone'
  const { value: told, problem } = useAnswer<Peers>(inMesh ? 'peers' : null, 3_000)
  if (value && !inMesh)
    return <p>This node is in no mesh. «warren mesh create» makes one, «warren mesh join» takes a ticket of one.</p>
  const peers = told?.peers ?? []
  const found = inOrder(peers.filter((peer) => fits(peer, sought.trim().toLowerCase())))
  const shown = peers.find(({ id }) => id === rest)
  return (
    <>
      <Notice problem={problem} />
      {told && (
        <div class="columns">
          <Picture peers={peers} role={value?.mesh.role ?? 'member'} />
          <section class="card">
            <Field label="Search by id, role, zone, address or state" value={sought} onValue={setSought} />
            <p aria-live="polite">
              {format.number(found.length)} of {format.count(peers.length, 'member')}
            </p>
            <VirtualList
              items={found}
              label="Members"
              rowHeight={ROW}
              keyOf={({ id }) => id}
              row={(peer) => (
                <button
                  type="button"
                  class="item"
                  onClick={() => {
                    location.hash = `#/mesh/${peer.id}`
                  }}
                >
                  <span>
                    <HealthBadge {...healthOf(peer)} /> {peer.role} <code>{format.shortId(peer.id)}</code>
                  </span>
                  <span class="muted">
                    {peer.zone ?? 'no zone'} · {peer.latency === null ? 'not measured' : `${peer.latency.toFixed(1)} ms`} · gave{' '}
                    {format.bytes(peer.bytesIn)}, got {format.bytes(peer.bytesOut)}
                  </span>
                </button>
              )}
            />
          </section>
        </div>
      )}
      {shown && (
        <PeerDialog
          peer={shown}
          onClose={() => {
            location.hash = '#/mesh'
          }}
        />
      )}
    </>
  )
}

function fits(peer: Peer, sought: string): boolean {
  const texts = [peer.id, peer.role, peer.zone ?? '', peer.version, healthOf(peer).text, ...peer.addresses, ...peer.blobs]
  return sought === '' || texts.some((text) => text.toLowerCase().includes(sought))
}

/** Seeds first, then whoever is there, each in the order of ids. */
function inOrder(peers: readonly Peer[]): Peer[] {
  const rank = ({ role, connected }: Peer) => (role === 'seed' ? 0 : 2) + (connected ? 0 : 1)
  return [...peers].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))
}
