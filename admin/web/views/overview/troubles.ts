import type { Told } from '../../api/use-status.ts'
import * as format from '../../format.ts'

/** Days before its end from which on a certificate is warned about, as «warren status» does. */
const CERTIFICATE_DAYS = { seed: 30, member: 7 }

/** What somebody should look at, in sentences. */
export function troublesOf({ node, store, mesh, upstream = [] }: Told): string[] {
  const left = mesh.notAfter === null ? Number.POSITIVE_INFINITY : mesh.notAfter - Date.now()
  return [
    node.state === 'draining' && 'The node is stopping: it finishes what is under way.',
    store.shortage === 'disk' && 'Nothing more is stored: the disk is too full (store.minFree).',
    store.shortage === 'quota' && 'Nothing more is stored: the quota is used up (store.quota).',
    !store.storing && !store.shortage && 'Nothing more is stored.',
    (store.scrub?.lost ?? 0) > 0 && `${store.scrub?.lost} damaged blobs are nowhere else in the mesh.`,
    mesh.trouble,
    mesh.readerOnly && 'Nobody can fetch blobs from this node: its blob port cannot be reached.',
    left < CERTIFICATE_DAYS[mesh.role ?? 'member'] * 86_400_000 && `The certificate of this node ends in ${format.span(left)}.`,
    ...upstream
      .filter(({ state }) => state === 'open')
      .map(({ origin, lastError }) => `${origin} fails: ${lastError ?? 'no answer'}`),
    ...upstream.filter(({ state }) => state === 'frozen').map(({ origin }) => `${origin} has asked to wait.`),
    ...upstream
      .filter(({ budget }) => budget?.isLow)
      .map(({ origin, budget }) => `${origin} grants ${budget?.remaining} more requests only.`),
  ].filter((line): line is string => typeof line === 'string')
}
