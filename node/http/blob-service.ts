import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Digest, formatDigest, parseDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import { ASKING_HEADER, parseAsking } from '../mesh/swarm/asking.ts'
import type { Handout } from '../mesh/swarm/handout.ts'
import { Busy, encodeReferral } from '../mesh/swarm/referral.ts'
import { untilClientLeaves } from './client-left.ts'
import type { Asker, MemberService } from './member-door.ts'
import { sendFixed } from './refusal.ts'
import type { Sender } from './sender.ts'

export interface BlobServiceComponents {
  readonly handout: Handout
  readonly sender: Sender
}

const PREFIX = '/blobs/v1/'
const PATH = /^\/blobs\/v1\/([^/?]*)$/
const FROM = /^bytes=(\d{1,15})-$/

/** The same for all, so that its fields are put together once. */
const HEADERS = { 'content-type': 'application/octet-stream' }

/** Hands blobs to members, whole or as far as they are here; who has to wait hears who else may have it. */
export class BlobService implements MemberService {
  readonly prefix = PREFIX
  readonly #components: BlobServiceComponents

  constructor(components: BlobServiceComponents) {
    this.#components = components
  }

  async answer(request: IncomingMessage, response: ServerResponse, { peer }: Asker): Promise<number> {
    const { handout, sender } = this.#components
    const digest = digestAskedFor(request)
    const start = Number(FROM.exec(request.headers.range ?? '')?.[1] ?? 0)
    const wish = { digest, peer, start, asking: parseAsking(request.headers[ASKING_HEADER]) }
    try {
      const opening = handout.open(wish, () => untilClientLeaves(response))
      const { body, whole } = opening instanceof Promise ? await opening : opening
      // What is not verified to its end has no name by which its parts could be joined.
      const name = whole ? formatDigest(digest) : undefined
      const found = { source: 'local', headers: HEADERS, body, digest: name } as const
      return await sender.send(found, { request, response, base: () => '', reopen: async () => undefined })
    } catch (error) {
      if (!(error instanceof Busy) || response.headersSent) throw error
      const headers = { 'content-type': 'application/json', 'x-warren-error': error.code, 'retry-after': '1' }
      return sendFixed(request, response, { status: 503, headers, body: encodeReferral(error.others) })
    }
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
