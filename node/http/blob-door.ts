import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Digest, formatDigest, parseDigest } from '../digest.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import type { Shelf } from '../mesh/shelf.ts'
import { ClientLeft } from './client-left.ts'
import { breakOff, sendError } from './refusal.ts'
import type { Sender } from './sender.ts'

interface BlobDoorEvents {
  /** So many bytes of a blob went to that member. */
  sent(peer: string, bytes: number): void
  /** Something that no code expected. */
  bug(error: unknown, path: string): void
}

export interface BlobDoorComponents {
  readonly shelf: Pick<Shelf, 'open'>
  readonly sender: Sender
  readonly events: BlobDoorEvents
}

const PATH = /^\/blobs\/v1\/([^/?]*)$/

/** The same for all, so that its fields are put together once. */
const HEADERS = { 'content-type': 'application/octet-stream' }

/**
 * Where members ask for blobs: from the shelf or not at all. A request of a member never makes this node ask anybody else, or two
 * nodes without a blob would send each other in circles for it.
 */
export class BlobDoor {
  readonly #components: BlobDoorComponents

  constructor(components: BlobDoorComponents) {
    this.#components = components
  }

  /** Answers a request of a member. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, member: { readonly peer: string }): Promise<void> {
    const { shelf, sender, events } = this.#components
    try {
      const digest = digestAskedFor(request)
      const opening = shelf.open(digest)
      const body = opening instanceof Promise ? await opening : opening
      const name = formatDigest(digest)
      if (!body) throw new WarrenError('UPSTREAM_ABSENT', `this node does not hold ${name}`)
      const found = { source: 'local', headers: HEADERS, body, digest: name } as const
      const sent = sender.send(found, { request, response, base: () => '', reopen: async () => undefined })
      events.sent(member.peer, typeof sent === 'number' ? sent : await sent)
    } catch (error) {
      this.#fail(error, request, response)
    }
  }

  #fail(thrown: unknown, request: IncomingMessage, response: ServerResponse): void {
    const { events } = this.#components
    const target = request.url ?? '/'
    if (thrown instanceof ClientLeft) {
      response.destroy()
      return
    }
    if (!isWarrenError(thrown)) events.bug(thrown, target)
    if (response.headersSent) breakOff(request, response)
    else sendError(request, response, isWarrenError(thrown) ? thrown : broken(thrown))
  }
}

function digestAskedFor({ method, url = '/' }: IncomingMessage): Digest {
  const name = PATH.exec(url)?.[1]
  if (name === undefined) {
    throw new WarrenError('NO_SUCH_MIRROR', 'there is nothing here but blobs, at /blobs/v1/<algorithm>:<hex>')
  }
  if (method !== 'GET' && method !== 'HEAD') throw new WarrenError('METHOD_NOT_ALLOWED', 'blobs are for reading: GET or HEAD')
  const digest = parseDigest(name)
  if (digest) return digest
  throw new WarrenError('BAD_REQUEST', `«${name.slice(0, 80)}» is no digest; one is sha256: and 64 lower-case hex digits`)
}

function broken(cause: unknown): WarrenError {
  return new WarrenError('INTERNAL', 'this node failed to answer; its log says why', { cause })
}
