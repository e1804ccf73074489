import type { Sha256 } from '../digest.ts'
import type { MemberRequest } from '../mesh/blobs/blob-client.ts'
import { readVersioned } from '../trust/versioned.ts'
import { CONFIRMATIONS, MAX_ANSWER_BYTES, MAX_ASKED, QUESTION_LIMIT } from './constants.ts'
import { HELD_PATH, heldAnswer } from './held-messages.ts'

/** The other seeds of the mesh. */
export interface AskedSeeds {
  readonly others: readonly { readonly id: string; readonly since: number | undefined }[]
  ask(
    peer: string,
    asked: MemberRequest,
    most: number,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: Buffer }>
}

/**
 * Which of up to `MAX_ASKED` blobs enough seeds say that they hold; undefined when no seed answered. Each is asked for what is not
 * confirmed yet. Enough are two, or fewer where fewer are connected, or are to hold each blob. Rejects with the reason of `signal` only.
 *
 * @param replicas seeds on which each blob is to be
 */
export async function heldBySeeds(
  seeds: AskedSeeds,
  blobs: readonly Sha256[],
  replicas: number,
  signal: AbortSignal,
): Promise<ReadonlySet<Sha256> | undefined> {
  const connected = seeds.others.filter(({ since }) => since !== undefined).length
  const enough = Math.min(CONFIRMATIONS, replicas, connected)
  const confirmations = new Map(blobs.slice(0, MAX_ASKED).map((sha256) => [sha256, 0]))
  const missing = () => [...confirmations].filter(([, count]) => count < enough).map(([sha256]) => sha256)
  let isAnswered = false
  for (const { id, since } of seeds.others) {
    const open = missing()
    if (open.length === 0) break
    const held = since === undefined ? undefined : await ask(seeds, id, open, signal)
    if (!held) continue
    isAnswered = true
    for (const sha256 of held) confirmations.set(sha256, (confirmations.get(sha256) ?? 0) + 1)
  }
  const open = new Set(missing())
  return isAnswered ? new Set([...confirmations.keys()].filter((sha256) => !open.has(sha256))) : undefined
}

/** Undefined where a seed is in trouble: another one may not be. */
async function ask(
  seeds: AskedSeeds,
  peer: string,
  blobs: readonly Sha256[],
  signal: AbortSignal,
): Promise<Set<Sha256> | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(QUESTION_LIMIT)])
  const body = Buffer.from(JSON.stringify({ v: 1, sha256: blobs }))
  const asked = { method: 'POST', path: HELD_PATH, headers: { 'content-type': 'application/json' }, body } as const
  try {
    const answer = await seeds.ask(peer, asked, MAX_ANSWER_BYTES, limit)
    if (answer.status !== 200) return undefined
    const reading = readVersioned(answer.body.toString(), heldAnswer)
    return reading.problem === undefined ? new Set(reading.value.held.flatMap((at) => blobs[at] ?? [])) : undefined
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
