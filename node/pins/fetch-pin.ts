import type { Clock } from '../clock.ts'
import { isOfBytes, parseDigest } from '../digest.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import type { Seeds } from '../mesh/seeds.ts'
import type { BlobStore, Staging } from '../store/store.ts'
import { BUSY_TRIES, FETCH_TRIES, RETRY } from './constants.ts'
import type { Pin } from './pin.ts'

export interface FetchPinComponents {
  readonly blobs: Pick<BlobStore, 'stage'>
  readonly seeds: Pick<Seeds, 'open'>
  readonly clock: Clock
  /** Asked when all of it is here: something newer may have come meanwhile. */
  isWanted(pin: Pin): boolean
}

/**
 * Fetches the blob of a pin from a seed, checks all of it and keeps it together with its record. Throws UPSTREAM_CORRUPT for other bytes
 * than the record says, NODE_BUSY when this node stores nothing more, and what the seed was in trouble with.
 */
export async function fetchPin(components: FetchPinComponents, pin: Pin, peer: string, signal: AbortSignal): Promise<void> {
  const { blobs, isWanted } = components
  const { key, record } = pin
  const digests = record.verified.flatMap((text) => parseDigest(text) ?? []).filter(({ algorithm }) => isOfBytes(algorithm))
  const algorithms = digests.map(({ algorithm }) => algorithm).filter(isOfBytes)
  const staging = blobs.stage({ size: record.size, algorithms })
  try {
    if (!staging.storing) throw full()
    await receiveAll(components, pin, peer, staging, signal)
    const computed = await staging.seal()
    if (computed.sha256 !== record.blob) throw corrupt(peer, `bytes of sha256:${computed.sha256} as sha256:${record.blob}`)
    const wrong = digests.find(({ algorithm, hex }) => computed[algorithm] !== hex)
    if (wrong) throw corrupt(peer, `a record that promises a wrong ${wrong.algorithm} of sha256:${record.blob}`)
    if (isWanted(pin) && !(await staging.commit(new Map([[key, record]])))) throw full()
  } finally {
    await staging.close()
  }
}

/** What breaks off is gone on with where it ended. */
async function receiveAll(
  { seeds, clock }: FetchPinComponents,
  pin: Pin,
  peer: string,
  staging: Staging,
  signal: AbortSignal,
): Promise<void> {
  for (let vain = 0; ; ) {
    const before = staging.written
    try {
      return await receive(seeds, pin, peer, staging, signal)
    } catch (error) {
      if (signal.aborted || isWarrenError(error, 'UPSTREAM_CORRUPT', 'UPSTREAM_ABSENT')) throw error
      vain = staging.written > before ? 0 : vain + 1
      // Who is busy serves others, and has all of them done before long.
      if (vain >= (isWarrenError(error, 'UPSTREAM_BUSY') ? BUSY_TRIES : FETCH_TRIES)) throw error
    }
    await clock.sleep(RETRY, signal)
  }
}

async function receive(
  seeds: Pick<Seeds, 'open'>,
  { record: { blob, size } }: Pin,
  peer: string,
  staging: Staging,
  signal: AbortSignal,
): Promise<void> {
  const opened = await seeds.open(peer, { algorithm: 'sha256', hex: blob }, staging.written, signal)
  if (opened.size !== size) throw corrupt(peer, `${opened.size} bytes as sha256:${blob}, which has ${size}`)
  for await (const chunk of opened.body) {
    signal.throwIfAborted()
    if (staging.written + chunk.length > size) throw corrupt(peer, `more than the ${size} bytes of sha256:${blob}`)
    if (staging.write(chunk)) continue
    // Nobody reads it from there.
    staging.release(staging.written)
    await staging.drained()
  }
}

function corrupt(peer: string, what: string): WarrenError {
  return new WarrenError('UPSTREAM_CORRUPT', `seed ${peer} sends ${what}`)
}

function full(): WarrenError {
  return new WarrenError('NODE_BUSY', 'this seed stores nothing more: its disk is fuller than store.minFree allows')
}
