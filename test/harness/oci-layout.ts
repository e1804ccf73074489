import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Body } from '../../node/body.ts'
import { blobsOf, type Manifest, manifestsOf } from './oci-types.ts'

const PIECE = 1 << 20

/** Writes images by tag as an OCI image layout, without having a blob in memory: `skopeo copy oci:<folder>:<tag> …` takes it. */
export async function writeLayout(folder: string, images: Readonly<Record<string, Manifest>>): Promise<void> {
  for (const image of Object.values(images)) {
    for (const { descriptor, open } of [...blobsOf(image), ...manifestsOf(image)]) {
      const file = join(folder, 'blobs', descriptor.digest.replace(':', '/'))
      if (existsSync(file)) continue
      mkdirSync(dirname(file), { recursive: true })
      await pipeline(readBody(open), createWriteStream(file))
    }
  }
  const manifests = Object.entries(images).map(([tag, { descriptor }]) => ({
    ...descriptor,
    annotations: { ...descriptor.annotations, 'org.opencontainers.image.ref.name': tag },
  }))
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}

/** Digests of all blobs and manifests that lie in a layout, sorted. */
export function digestsInLayout(folder: string): string[] {
  const blobs = join(folder, 'blobs')
  return readdirSync(blobs)
    .flatMap((algorithm) => readdirSync(join(blobs, algorithm)).map((hex) => `${algorithm}:${hex}`))
    .sort()
}

/** The bytes of a blob or manifest in a layout. */
export function blobInLayout(folder: string, digest: string): Buffer {
  return readFileSync(join(folder, 'blobs', digest.replace(':', '/')))
}

/** A body as a stream that reads it a piece at a time and closes it. */
export function readBody(open: () => Body): Readable {
  return Readable.from(pieces(open), { objectMode: false })
}

async function* pieces(open: () => Body): AsyncGenerator<Buffer> {
  const body = open()
  try {
    for (let position = 0; ; ) {
      const part = await body.read(position, PIECE, (size) => Buffer.allocUnsafe(size))
      if (part.length === 0) return
      position += part.length
      yield part
    }
  } finally {
    body.close()
  }
}
