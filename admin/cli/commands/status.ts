import type { Counts, Status } from '../../api/status-schema.ts'
import { tokenText } from '../api-client.ts'
import { formatBytes, formatSpan } from '../format.ts'
import { meshFacts } from '../mesh-facts.ts'
import { mirrorTexts } from '../mirror-text.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { toldBy } from '../node-status.ts'
import { aligned, type Output, styled, table, writeLines } from '../print.ts'
import { storeFacts } from '../store-facts.ts'

/** Shows what a running node does; without its token only counts. Throws UnreachableError. */
export async function status(options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const address = nodeAt(options)
  const { answer, status } = await toldBy(address)
  // As the node sent it: a newer one may tell more than this command knows.
  if (options.json) return writeLines(process.stdout, [JSON.stringify(answer, null, 2)])
  const base = address.base.replace(/\/$/, '')
  writeLines(process.stdout, statusLines(status, { base, now: Date.now(), output: process.stdout }))
}

/** The status for people. */
export function statusLines(
  status: Status | Counts,
  { base, now, output }: { base: string; now: number; output: Output },
): string[] {
  const { node, store, memory } = status
  const facts = [
    ['node', `${node.id}, ${node.state} for ${formatSpan(now - node.startedAt)}, version ${node.version}, pid ${node.pid}`],
    ['address', base],
    ...('data' in node ? [['data', node.data]] : []),
    ...storeFacts(store, status.mesh.role === 'seed', now).map((fact, at) => [at === 0 ? 'store' : '', fact]),
    ['memory', `${formatBytes(memory.bytes)} of ${formatBytes(memory.limit)}`],
    ['flights', String(status.flights)],
    ['saved', `${formatBytes(status.saved)} that no upstream had to send here`],
    ...meshFacts(status.mesh, now).map((fact, at) => [at === 0 ? 'mesh' : '', fact]),
  ]
  return [
    ...aligned(facts, { decorate: (cell, _row, column) => (column === 0 ? styled(output, 'dim', cell) : cell) }),
    ...('mirrors' in status ? ['', ...mirrorLines(status, output)] : []),
    '',
    ...table(output, [['source', 'requests', 'bytes'], ...sourceRows(status)]),
    ...('upstream' in status ? upstreamLines(status, now, output) : ['', `For more, ${tokenText(base)}.`]),
  ]
}

function mirrorLines({ mirrors }: Status, output: Output): string[] {
  return table(output, [
    ['mirror', 'protocol', 'path', 'upstreams'],
    ...mirrors.flatMap((mirror) => {
      const { name, protocol, registry, path } = mirror
      const [first, ...bound] = mirrorTexts(mirror)
      const row = [name, registry === undefined ? protocol : `${protocol} ${registry}`, path, first]
      return [row, ...bound.map((text) => ['', '', '', text])]
    }),
  ])
}

function sourceRows({ requests, bytes }: Counts): string[][] {
  const sent = new Map(Object.entries(bytes))
  return Object.entries(requests).map(([source, amount]) => {
    const size = sent.get(source)
    return [source, String(amount), size === undefined ? '' : formatBytes(size)]
  })
}

function upstreamLines({ upstream }: Status, now: number, output: Output): string[] {
  if (upstream.length === 0) return ['', 'No upstream was asked yet.']
  // Most registries set no limit, or do not tell.
  const tells = upstream.some(({ budget }) => budget !== undefined)
  const rows = upstream.map(
    ({ origin, state, until, inFlight, queued, requests, failures, failedInRow, budget, lastError = '' }) => [
      origin,
      healthText(state, until - now, failedInRow),
      ...[requests, failures, inFlight, queued].map(String),
      ...(tells ? [budgetText(budget)] : []),
      lastError,
    ],
  )
  const head = [
    'upstream',
    'health',
    'requests',
    'failures',
    'under way',
    'waiting',
    ...(tells ? ['budget'] : []),
    'last error',
  ]
  return ['', ...table(output, [head, ...rows])]
}

function budgetText(budget: Status['upstream'][number]['budget']): string {
  if (!budget) return ''
  const { remaining, limit, window, isLow } = budget
  return `${remaining} of ${limit} left in ${formatSpan(window * 1000)}${isLow ? ', kept for what is new' : ''}`
}

/** `rest`: ms until the state may end; `failed`: requests that failed since one was answered. */
function healthText(state: Status['upstream'][number]['state'], rest: number, failed = 0): string {
  if (state === 'closed') return failed === 0 ? 'well' : failed === 1 ? 'the last one failed' : `the last ${failed} failed`
  if (state === 'half-open') return 'failing, being tried'
  if (state === 'frozen') return `resting for ${formatSpan(rest)}`
  return rest > 0 ? `failing, next try in ${formatSpan(rest)}` : 'failing, next try with the next request'
}
