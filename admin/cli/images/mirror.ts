import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseDigest } from '../../../node/digest.ts'
import { reasonOf } from '../../../node/errors.ts'
import { formatBytes } from '../format.ts'
import { askNode, RefusedError, refusalOf, sourceOf } from '../node-http.ts'
import { MANIFEST_TYPES } from './manifest.ts'
import type { ImageReference } from './reference.ts'

export interface Wanted {
  readonly kind: 'manifests' | 'blobs'
  /** Tag or digest. */
  readonly target: string
  /** Bytes; undefined where nothing tells. */
  readonly size?: number | undefined
  /** Most bytes that are kept; without it the bytes are checked and let go, as many as they are. */
  readonly keep?: number | undefined
  /** Told where the node has it from, before the first byte. */
  readonly onSource?: (source: string) => void
  /** Told how many bytes have come. */
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
}

export interface Received {
  readonly url: string
  readonly digest: string
  readonly size: number
  /** Where the node had it from: `local`, `peer`, `upstream` and so on. */
  readonly source: string
  /** Nothing when it was not to be kept. */
  readonly bytes: Buffer
}

/** The mirrors of a node as a client of images sees them. */
export class Mirror {
  readonly base: string

  /** @param base `http://host:port` */
  constructor(base: string) {
    this.base = base
  }

  /** Fetches all of something and proves that it is what its digest and size say. Throws UnreachableError, RefusedError and Error. */
  async get(reference: ImageReference, wanted: Wanted): Promise<Received> {
    const what = `${wanted.kind === 'blobs' ? 'blob' : 'manifest'} ${wanted.target} of ${reference.text}`
    const url = this.#urlOf(reference, wanted)
    const response = await this.#open(url, wanted, what)
    try {
      if (response.statusCode !== 200) throw new RefusedError(`${what}: ${await refusalOf(response)}`, response.statusCode ?? 0)
      return { url: url.href, ...(await receive(response, wanted, what)) }
    } finally {
      response.destroy()
    }
  }

  #urlOf({ registry, name }: ImageReference, { kind, target }: Wanted): URL {
    return new URL(`/v2/${name}/${kind}/${target}?ns=${encodeURIComponent(registry)}`, this.base)
  }

  #open(url: URL, { kind, signal }: Wanted, what: string): Promise<IncomingMessage> {
    const accept = kind === 'blobs' ? '*/*' : MANIFEST_TYPES.join(', ')
    return askNode(url, { accept, ...(signal && { signal }) }, what)
  }
}

async function receive(response: IncomingMessage, wanted: Wanted, what: string): Promise<Omit<Received, 'url'>> {
  const { target, size, keep, onBytes } = wanted
  const source = sourceOf(response)
  wanted.onSource?.(source)
  // A tag does not tell the digest of what it points to; the header does.
  const promised = parseDigest(target) ?? parseDigest(String(response.headers['docker-content-digest'] ?? ''))
  const algorithm = promised?.algorithm ?? 'sha256'
  const hash = createHash(algorithm)
  const kept: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > (size ?? Infinity)) throw new Wrong(`it is longer than the ${size} bytes that it should have`)
      if (bytes > (keep ?? Infinity)) throw new Wrong(`it is longer than the ${formatBytes(keep ?? 0)} that it may have`)
      hash.update(part)
      if (keep !== undefined) kept.push(part)
      onBytes?.(bytes)
    }
  } catch (error) {
    if (error instanceof Wrong) throw new Error(`${what} is wrong: ${error.message}`)
    const of = size === undefined ? '' : ` of ${formatBytes(size)}`
    throw new Error(`${what} broke off after ${formatBytes(bytes)}${of}: ${reasonOf(error)}`, { cause: error })
  }
  const hex = hash.digest('hex')
  if (size !== undefined && bytes !== size) throw new Error(`${what} is wrong: it has ${bytes} bytes instead of ${size}`)
  if (promised && hex !== promised.hex)
    throw new Error(`${what} is wrong: its digest is ${algorithm}:${hex} instead of ${algorithm}:${promised.hex}`)
  return { digest: `${algorithm}:${hex}`, size: bytes, source, bytes: Buffer.concat(kept) }
}

/** What came is not what was asked for. */
class Wrong extends Error {}
