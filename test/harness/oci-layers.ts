import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type Body, bufferBody, readAll } from '../../node/body.ts'
import { digestOf, randomBodies } from './bodies.ts'
import { type Algorithm, type Blob, type Form, MEDIA_TYPES } from './oci-types.ts'
import { tarOf } from './tar.ts'

/** Most bytes of a compressed layer: it is made in memory. */
const MOST_COMPRESSED = 64 << 20

export interface LayerInit {
  /** Of the one file in it, whose content is random. */
  readonly bytes: number
  /** The same seed makes the same layer. */
  readonly seed?: number
  /** Default: whether it is small enough to be compressed in memory. */
  readonly gzip?: boolean
}

export interface Layer extends Blob {
  /** Digest of the archive without compression, as the configuration lists it. */
  readonly diffId: string
}

/** A layer of any size: one that is not compressed is made anew whenever it is read, and takes no memory. */
export async function makeLayer(init: LayerInit, form: Form = 'oci', algorithm: Algorithm = 'sha256'): Promise<Layer> {
  const { bytes, seed = 1, gzip = bytes <= MOST_COMPRESSED } = init
  if (gzip && bytes > MOST_COMPRESSED) throw new RangeError(`${bytes} bytes are more than the ${MOST_COMPRESSED} that fit`)
  // Another name for another seed, so that no layer hides the file of another one.
  const tar = tarOf(`layer-${seed}.bin`, bytes, randomBodies(bytes, seed))
  const diffId = `sha256:${await digestOf(tar.open())}`
  if (gzip) {
    const packed = gzipSync(await readAll(tar.open()), { level: 1 })
    return { ...blobOf(packed, MEDIA_TYPES[form].gzip, algorithm), diffId }
  }
  const digest = algorithm === 'sha256' ? diffId : `${algorithm}:${await digestOf(tar.open(), algorithm)}`
  return { descriptor: { mediaType: MEDIA_TYPES[form].tar, digest, size: tar.size }, open: tar.open, diffId }
}

/** Bytes in memory with their descriptor. */
export function blobOf(bytes: Buffer, mediaType: string, algorithm: Algorithm = 'sha256'): Blob {
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
  return { descriptor: { mediaType, digest, size: bytes.length }, open: (): Body => bufferBody(bytes) }
}
