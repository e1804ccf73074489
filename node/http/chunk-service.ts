import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { ChunkLists } from '../mesh/swarm/chunk-lists.ts'
import { CHUNKS_PATH, pageHeaders } from '../mesh/swarm/chunk-page.ts'
import { untilClientLeaves } from './client-left.ts'
import type { MemberService } from './member-door.ts'

export interface ChunkServiceComponents {
  readonly lists: ChunkLists
  /** Nobody believes others, so they are spared the work. */
  isSeed(): boolean
}

const PATH = /^\/chunks\/v1\/([^/?]*)\?from=(\d{1,9})(&wait)?$/

/** Where a seed hands out chunk lists, also of blobs that it is fetching. */
export class ChunkService implements MemberService {
  readonly prefix = CHUNKS_PATH
  readonly #components: ChunkServiceComponents

  constructor(components: ChunkServiceComponents) {
    this.#components = components
  }

  async answer({ method, url = '/' }: IncomingMessage, response: ServerResponse): Promise<number> {
    if (!this.#components.isSeed()) throw new WarrenError('UPSTREAM_ABSENT', 'this node is no seed')
    const [, name = '', from, waits] = PATH.exec(url) ?? []
    const digest = parseDigest(name)
    if (method !== 'GET') throw new WarrenError('METHOD_NOT_ALLOWED', 'chunk lists are for reading: GET')
    if (!digest) throw new WarrenError('BAD_REQUEST', `chunk lists are at ${CHUNKS_PATH}<algorithm>:<hex>?from=<chunk>[&wait]`)
    const page = await this.#components.lists.page(digest, Number(from), waits !== undefined, untilClientLeaves(response))
    response.writeHead(200, { ...pageHeaders(page), 'content-length': page.hashes.length }).end(page.hashes)
    return page.hashes.length
  }
}
