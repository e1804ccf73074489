import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import { reasonOf, WarrenError } from '../errors.ts'
import type { UpstreamResponse } from '../upstream/upstream.ts'
import { declaredSize } from './answer.ts'
import type { Plan } from './plan.ts'

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

/** Content codings (RFC 9110 section 8.4.1). A map, since a server names the key. */
const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['br', promisify(brotliDecompress)],
])

/**
 * The body of a document as it came, whole. `brought` hears how many bytes come. Throws UPSTREAM_CORRUPT when it has more than `most`.
 */
export async function collect(response: UpstreamResponse, most: number, brought?: Plan['brought']): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  if ((declaredSize(response.headers) ?? 0) > most) throw tooLarge(most)
  for await (const part of response.body) {
    length += part.length
    brought?.(part.length)
    if (length > most) throw tooLarge(most)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** The decoded document, if it has at most `limit` bytes. Throws UPSTREAM_CORRUPT when it does not unpack. */
export async function unpack(packed: Buffer, headers: UpstreamResponse['headers'], limit: number): Promise<Buffer | undefined> {
  const coding = headers['content-encoding']?.trim().toLowerCase() || 'identity'
  if (coding === 'identity') return packed.length > limit ? undefined : packed
  const decode = DECODERS.get(coding)
  if (!decode) throw new WarrenError('UPSTREAM_CORRUPT', `the document has the unknown Content-Encoding «${coding}»`)
  try {
    // The bound holds off a small body that unpacks to gigabytes.
    return await decode(packed, { maxOutputLength: limit })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw new WarrenError('UPSTREAM_CORRUPT', `the document does not unpack: ${reasonOf(cause)}`, { cause })
  }
}

export function tooLarge(most: number): WarrenError {
  return new WarrenError('UPSTREAM_CORRUPT', `the document has more than ${most} bytes`)
}
