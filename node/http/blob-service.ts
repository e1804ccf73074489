import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Digest, formatDigest, parseDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { Shelf } from '../mesh/shelf.ts'
import type { MemberService } from './member-door.ts'
import type { Sender } from './sender.ts'

export interface BlobServiceComponents {
  readonly shelf: Pick<Shelf, 'open'>
  readonly sender: Sender
}

const PREFIX = '/blobs/v1/'
const PATH = /^\/blobs\/v1\/([^/?]*)$/

/** The same for all, so that its fields are put together once. */
const HEADERS = { 'content-type': 'application/octet-stream' }

/**
 * Hands blobs to members: from the shelf or not at all. A request for a blob never makes this node ask anybody else, or two nodes
 * without it would send each other in circles for it.
 */
export class BlobService implements MemberService {
  readonly prefix = PREFIX
  readonly #components: BlobServiceComponents

  constructor(components: BlobServiceComponents) {
    this.#components = components
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<number> {
    const { shelf, sender } = this.#components
    const digest = digestAskedFor(request)
    const opening = shelf.open(digest)
    const body = opening instanceof Promise ? await opening : opening
    const name = formatDigest(digest)
    if (!body) throw new WarrenError('UPSTREAM_ABSENT', `this node does not hold ${name}`)
    const found = { source: 'local', headers: HEADERS, body, digest: name } as const
    return sender.send(found, { request, response, base: () => '', reopen: async () => undefined })
  }
}

function digestAskedFor({ method, url = '/' }: IncomingMessage): Digest {
  const name = PATH.exec(url)?.[1]
  if (name === undefined) throw new WarrenError('NO_SUCH_MIRROR', `blobs are at ${PREFIX}<algorithm>:<hex>`)
  if (method !== 'GET' && method !== 'HEAD') throw new WarrenError('METHOD_NOT_ALLOWED', 'blobs are for reading: GET or HEAD')
  const digest = parseDigest(name)
  if (digest) return digest
  throw new WarrenError('BAD_REQUEST', `«${name.slice(0, 80)}» is no digest; one is sha256: and 64 lower-case hex digits`)
}
