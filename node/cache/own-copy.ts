import type { Body } from '../body.ts'
import type { Digest } from '../digest.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import { heldBlob } from './links.ts'
import type { OpenBody } from './sources.ts'

/** Bytes of a part of it: each is read, appended and forgotten. */
const PIECE = 256 << 10

/**
 * What has one of these digests and is here already, having come under another name, as a source like others: it is checked again on
 * its way to its new one. Undefined where there is nothing that whoever asks may have.
 */
export async function ownCopy(digests: readonly Digest[], store: Store, isPrivate: boolean): Promise<OpenBody | undefined> {
  const blob = heldBlob({ digests }, store, isPrivate)
  const body = blob === undefined ? undefined : await store.blobs.open(blob)
  if (!body) return undefined
  const source = { kind: 'local', trusted: false, start: 0, size: body.size, headers: {} } as const
  return { ...source, body: pieces(body), destroy: () => body.close(), blame() {}, forgive() {} }
}

async function* pieces(body: Body): AsyncGenerator<Buffer, void> {
  const { size = 0 } = body
  try {
    for (let at = 0; at < size; ) {
      const bytes = await body.read(at, PIECE, (most) => Buffer.allocUnsafeSlow(most))
      at += bytes.length
      if (bytes.length === 0) throw new Error(`it ends after ${at} bytes`)
      yield bytes
    }
  } catch (error) {
    throw new WarrenError('UPSTREAM_CUT', `what is here of it cannot be read: ${reasonOf(error)}`, { cause: error })
  } finally {
    body.close()
  }
}
