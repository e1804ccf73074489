import { sum } from '../../api/history.ts'
import type { NodeView, Told } from '../../api/use-status.ts'
import * as format from '../../format.ts'
import { Facts } from '../../parts/facts.tsx'
import { HealthBadge } from '../../parts/health.tsx'
import { ShareChart } from './share-chart.tsx'
import { SourceTable } from './source-table.tsx'
import { ThroughputChart } from './throughput-chart.tsx'
import { troublesOf } from './troubles.ts'

/** This node: how it is, and what it does right now. */
export function Overview({ node: { value, history } }: { readonly node: NodeView }) {
  if (!value) return <p aria-busy="true">Asking the node …</p>
  const { requests, saved, bytes } = value
  const served = sum(requests)
  const troubles = troublesOf(value)
  return (
    <>
      {troubles.map((trouble) => (
        <p class="trouble" key={trouble}>
          <HealthBadge health="warn" text={trouble} />
        </p>
      ))}
      <section class="tiles" aria-label="In short">
        <Tile name="Answers" value={format.number(served)} note={`${format.number(value.flights)} being fetched now`} />
        <Tile name="Without upstream" value={format.percent(served - requests.upstream, served)} note="of all answers" />
        <Tile
          name="Sent to clients"
          value={format.bytes(sum(bytes))}
          note={`${format.bytes(saved)} that upstream was spared`}
        />
        <Tile name="Kept here" value={format.bytes(value.store.bytes)} note={format.count(value.store.blobs, 'blob')} />
      </section>
      <div class="columns">
        <ShareChart samples={history.samples} />
        <ThroughputChart samples={history.samples} />
      </div>
      <SourceTable counts={value} />
      <div class="columns">
        <section class="card">
          <h2>Node</h2>
          <Facts of={nodeFacts(value)} />
        </section>
        <section class="card">
          <h2>Store and memory</h2>
          <Facts of={storeFacts(value)} />
        </section>
      </div>
    </>
  )
}

function Tile({ name, value, note }: { readonly name: string; readonly value: string; readonly note: string }) {
  return (
    <div class="card tile">
      <p class="tile-name">{name}</p>
      <p class="tile-value">{value}</p>
      <p class="tile-note">{note}</p>
    </div>
  )
}

function nodeFacts({ node, mesh }: Told) {
  const state = mesh.state === 'lone' ? 'in no mesh' : mesh.state === 'joining' ? 'no other member is connected' : undefined
  return {
    State: `${node.state}, up ${format.span(Date.now() - node.startedAt)}`,
    Version: node.version,
    Process: String(node.pid),
    Mesh: state ?? `${format.count(mesh.peers, 'member')} connected, ${format.count(mesh.seeds, 'seed')} among them`,
    Role: mesh.role ?? 'lone node',
    Zone: mesh.zone ?? undefined,
    'Peer id': mesh.state === 'lone' ? undefined : <code>{mesh.peer}</code>,
    Mirrors: node.listen?.join(', '),
    Data: node.data && <code>{node.data}</code>,
    Certificate: mesh.notAfter === null ? undefined : `until ${format.time(mesh.notAfter)}`,
  }
}

function storeFacts({ store, memory, mesh }: Told) {
  const { quota, evicted, scrub } = store
  return {
    Artifacts: `${format.bytes(store.bytes)} in ${format.count(store.blobs, 'blob')}`,
    Names: format.number(store.records),
    'Free on the disk': format.bytes(store.free),
    Quota:
      quota === null || quota === undefined ? undefined : `${format.bytes(quota)}, ${format.percent(store.bytes, quota)} used`,
    Memory: `${format.bytes(memory.bytes)} of ${format.bytes(memory.limit)}`,
    'Made room': evicted?.blobs ? `${format.count(evicted.blobs, 'blob')}, ${format.bytes(evicted.bytes)}` : undefined,
    Scrub: scrub && `${format.number(scrub.blobs)} looked at, ${scrub.bad} bad, ${scrub.healed} healed`,
    Pins: mesh.pins
      ? `${format.number(mesh.pins.held)} on all their seeds, ${format.number(mesh.pins.missing)} not`
      : undefined,
    'To and from members':
      mesh.state === 'lone' ? undefined : `${format.bytes(mesh.bytesOut)} out, ${format.bytes(mesh.bytesIn)} in`,
  }
}
