import type { Clock } from '../clock.ts'
import { type Digest, isOfBytes, parseDigests, type Sha256 } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { Seeds } from '../mesh/seeds.ts'
import type { Asking } from '../mesh/swarm/asking.ts'
import { StagedBytes } from '../store/staged-bytes.ts'
import type { BlobStore, Staging } from '../store/store.ts'
import { hash1, zipHash1 } from '../zip/digest.ts'
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
 * than the record says, NODE_BUSY when this node has no room for it, and what the seed was in trouble with.
 */
export async function fetchPin(components: FetchPinComponents, pin: Pin, peer: string, signal: AbortSignal): Promise<void> {
  const { blobs, isWanted } = components
  const { key, record } = pin
  const digests = parseDigests(record.verified)
  const algorithms = digests.map(({ algorithm }) => algorithm).filter(isOfBytes)
  const staging = blobs.stage({ size: record.size, algorithms })
  try {
    if (!staging.storing) throw full(record.size)
    await receiveAll(components, pin, peer, staging, signal)
    const computed = await staging.seal()
    if (computed.sha256 !== record.blob) throw corrupt(peer, `bytes of sha256:${computed.sha256} as sha256:${record.blob}`)
    for (const digest of digests) {
      const hex = computed[digest.algorithm] ?? (await ofContent(digest, staging, computed.sha256, peer))
      if (hex !== digest.hex) throw corrupt(peer, `a record that promises a wrong ${digest.algorithm} of sha256:${record.blob}`)
    }
    if (isWanted(pin) && !(await staging.commit(new Map([[key, record]])))) throw full(record.size)
  } finally {
    await staging.close()
  }
}

/** What a digest of what is in an archive should be: members ask by it, so it is nobody's word. */
async function ofContent({ algorithm }: Digest, staging: Staging, sha256: Sha256, peer: string): Promise<string> {
  if (algorithm === 'h1mod') return hash1(new Map([['go.mod', sha256]]))
  try {
    return await zipHash1(new StagedBytes(staging, { what: algorithm }))
  } catch (error) {
    if (isWarrenError(error)) throw error
    throw corrupt(peer, `a record that promises an ${algorithm} of sha256:${sha256}, which has none: ${reasonOf(error)}`)
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
  for (let vain = 0, asking: Asking = 'first'; ; ) {
    const before = staging.written
    try {
      return await receive(seeds, { pin, peer, asking }, staging, signal)
    } catch (error) {
      if (signal.aborted || isWarrenError(error, 'UPSTREAM_CORRUPT', 'UPSTREAM_ABSENT')) throw error
      vain = staging.written > before ? 0 : vain + 1
      // Who is busy serves others, and has all of them done before long. Others whom it names may be no seeds.
      const isBusy = isWarrenError(error, 'UPSTREAM_BUSY', 'NODE_BUSY')
      if (isBusy) asking = 'again'
      if (vain >= (isBusy ? BUSY_TRIES : FETCH_TRIES)) throw error
    }
    await clock.sleep(RETRY, signal)
  }
}

async function receive(
  seeds: Pick<Seeds, 'open'>,
  { pin, peer, asking }: { readonly pin: Pin; readonly peer: string; readonly asking: Asking },
  staging: Staging,
  signal: AbortSignal,
): Promise<void> {
  const { blob, size } = pin.record
  const opened = await seeds.open(peer, { algorithm: 'sha256', hex: blob }, staging.written, signal, asking)
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

function full(size: number): WarrenError {
  return new WarrenError('NODE_BUSY', `this seed has no room for ${size} bytes more within its store.minFree and store.quota`)
}
