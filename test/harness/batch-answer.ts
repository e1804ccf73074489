import type { IncomingMessage } from 'node:http'
import { readAll } from '../../node/body.ts'
import { type Digest, formatDigest } from '../../node/digest.ts'
import { BATCH_BLOB_BYTES, BatchWriter, decodeWishes, type Refused } from '../../node/mesh/blobs/batch-wire.ts'
import { BLOB_PATH } from '../../node/mesh/blobs/constants.ts'
import { SpareBuffers } from '../../node/spare-buffers.ts'
import type { Answer } from './answer.ts'

/** What a member is asked for with one question for small blobs. */
export async function wishesOf(request: IncomingMessage): Promise<readonly Digest[]> {
  return decodeWishes(Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))) ?? []
}

/** The answer of somebody who tells this of each of the wishes. */
export function batchOf(wishes: readonly Digest[], tell: (digest: Digest) => Buffer | Refused): Buffer {
  const writer = new BatchWriter(new SpareBuffers({ maxBytes: 0 }))
  for (const digest of wishes) {
    const told = tell(digest)
    if (!Buffer.isBuffer(told)) writer.refuse(told)
    else if (!writer.fits(told.length)) writer.refuse('alone')
    else writer.room(told.length).set(told)
  }
  return writer.bytes
}

/** What is told of one blob when it is asked for alone, as bytes that come together with others: as many as it says that there are. */
export async function toldBy({ status, size, open, trouble }: Answer): Promise<Buffer | Refused> {
  if (status === 404) return 'lacking'
  if (status !== 200 || size > BATCH_BLOB_BYTES) return 'alone'
  return (await readAll(open())).subarray(0, trouble.declaredLength)
}

/** Where a blob is when it is asked for alone. */
export function pathOf(digest: Digest): string {
  return BLOB_PATH + formatDigest(digest)
}
