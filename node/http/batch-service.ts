import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Body } from '../body.ts'
import type { Digest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import { BATCH_PATH, BATCHES_OWED, BatchWriter, decodeWishes } from '../mesh/blobs/batch-wire.ts'
import { MAX_QUESTION_BYTES } from '../mesh/blobs/constants.ts'
import type { Shelf } from '../mesh/shelf.ts'
import type { Asker, MemberService } from './member-door.ts'
import { RequestBodies } from './request-bodies.ts'

/** Hands small blobs to members, all that one asks for at a time in one answer. */
export class BatchService implements MemberService {
  readonly prefix = BATCH_PATH
  readonly #shelf: Pick<Shelf, 'open'>
  readonly #bodies = new RequestBodies({ maxBytes: MAX_QUESTION_BYTES })
  readonly #owed = new Map<string, number>()

  constructor(components: { readonly shelf: Pick<Shelf, 'open'> }) {
    this.#shelf = components.shelf
  }

  async answer(request: IncomingMessage, response: ServerResponse, { peer }: Asker): Promise<number> {
    if (request.method !== 'POST') throw new WarrenError('METHOD_NOT_ALLOWED', `${BATCH_PATH} takes a POST`)
    const owed = this.#owed.get(peer) ?? 0
    if (owed >= BATCHES_OWED) throw new WarrenError('NODE_BUSY', 'some answers have to be read first', { retryAfter: 1 })
    this.#owed.set(peer, owed + 1)
    response.once('close', () => this.#paid(peer))
    const wishes = await this.#bodies.with(request, async (body) => decodeWishes(body))
    if (!wishes) throw new WarrenError('BAD_REQUEST', 'that is no question for blobs: one digest a line, as algorithm:hex')
    const writer = new BatchWriter()
    for (const digest of wishes) await this.#add(writer, digest)
    const { bytes } = writer
    response.writeHead(200, ['content-type', 'application/octet-stream', 'content-length', String(bytes.length)])
    response.end(bytes)
    return bytes.length
  }

  async #add(writer: BatchWriter, digest: Digest): Promise<void> {
    const opening = this.#shelf.open(digest)
    const body = opening instanceof Promise ? await opening : opening
    if (!body) return writer.refuse('lacking')
    const size = body.size ?? Number.POSITIVE_INFINITY
    try {
      if (!writer.fits(size)) writer.refuse('alone')
      else if (body.bytes) writer.room(size).set(body.bytes)
      else await fill(writer, body, size)
    } finally {
      body.close()
    }
  }

  #paid(peer: string): void {
    const owed = (this.#owed.get(peer) ?? 1) - 1
    if (owed > 0) this.#owed.set(peer, owed)
    else this.#owed.delete(peer)
  }
}

/** Whoever asks for it alone hears why it could not be read. */
async function fill(writer: BatchWriter, body: Body, size: number): Promise<void> {
  const room = writer.room(size)
  for (let at = 0; at < size; ) {
    const rest = room.subarray(at)
    const reading = body.read(at, rest.length, () => rest)
    const bytes = await (reading instanceof Promise ? reading.catch(() => undefined) : reading)
    if (!bytes || bytes.length === 0) {
      writer.takeBack(size)
      writer.refuse('alone')
      return
    }
    if (bytes.buffer !== room.buffer || bytes.byteOffset !== rest.byteOffset) rest.set(bytes)
    at += bytes.length
  }
}
