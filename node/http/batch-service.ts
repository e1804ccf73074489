import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Body } from '../body.ts'
import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import {
  BATCH_BYTES,
  BATCH_PATH,
  BATCHES_OWED,
  BATCHES_OWED_BYTES,
  type BatchMemory,
  BatchWriter,
  decodeWishes,
  WISHES_BYTES,
} from '../mesh/blobs/batch-wire.ts'
import type { Shelf } from '../mesh/shelf.ts'
import { ClientLeft } from './client-left.ts'
import type { Asker, MemberService } from './member-door.ts'
import { RequestBodies } from './request-bodies.ts'

/** Ms in which an answer is put together: who waits for it has little patience. */
const GATHER_LIMIT = 100

export interface BatchServiceComponents {
  readonly shelf: Pick<Shelf, 'open'>
  readonly clock: Clock
  /** In which answers are put together. */
  readonly memory: BatchMemory
}

/** Hands small blobs to members, all that one asks for at a time in one answer. */
export class BatchService implements MemberService {
  readonly prefix = BATCH_PATH
  readonly #components: BatchServiceComponents
  readonly #bodies = new RequestBodies({ maxBytes: WISHES_BYTES })
  readonly #owed = new Map<string, number>()
  /** Bytes of memory of the answers that are owed; of one that is being put together all that it may come to. */
  #bytes = 0

  constructor(components: BatchServiceComponents) {
    this.#components = components
  }

  async answer(request: IncomingMessage, response: ServerResponse, { peer }: Asker): Promise<number> {
    if (request.method !== 'POST') throw new WarrenError('METHOD_NOT_ALLOWED', `${BATCH_PATH} takes a POST`)
    this.#owe(peer)
    let writer: BatchWriter
    try {
      const wishes = await this.#bodies.with(request, async (body) => decodeWishes(body))
      if (!wishes) throw new WarrenError('BAD_REQUEST', 'that is no question for blobs: one digest a line, as algorithm:hex')
      writer = await this.#gather(wishes, response)
    } catch (error) {
      this.#paid(peer, BATCH_BYTES)
      throw error
    }
    const { bytes, carried, held } = writer
    this.#bytes += held - BATCH_BYTES
    // Not before: what has not gone out is still in it.
    response.once('close', () => {
      this.#paid(peer, held)
      writer.free()
    })
    response.writeHead(200, ['content-type', 'application/octet-stream', 'content-length', String(bytes.length)])
    response.end(bytes)
    return carried
  }

  async #gather(wishes: readonly Digest[], response: ServerResponse): Promise<BatchWriter> {
    const { clock, memory } = this.#components
    const began = clock.now()
    const writer = new BatchWriter(memory)
    try {
      for (const digest of wishes) {
        if (clock.now() - began < GATHER_LIMIT) await this.#add(writer, digest)
        else writer.refuse('alone')
        // Nothing would tell of the end of an answer to somebody who is gone already.
        if (response.destroyed) throw new ClientLeft()
      }
      return writer
    } catch (error) {
      writer.free()
      throw error
    }
  }

  async #add(writer: BatchWriter, digest: Digest): Promise<void> {
    const body = this.#atHand(digest)
    if (!body) return writer.refuse(body === undefined ? 'lacking' : 'alone')
    const size = body.size ?? Number.POSITIVE_INFINITY
    try {
      if (!writer.fits(size)) writer.refuse('alone')
      else if (body.bytes) writer.room(size).set(body.bytes)
      else await fill(writer, body, size)
    } finally {
      body.close()
    }
  }

  /** Undefined for what is not held, null for what takes its time: it may be a large one that has to be hashed first. */
  #atHand(digest: Digest): Body | undefined | null {
    const opening = this.#components.shelf.open(digest)
    if (!(opening instanceof Promise)) return opening
    opening.then(
      (body) => body?.close(),
      () => {},
    )
    return null
  }

  #owe(peer: string): void {
    const owed = this.#owed.get(peer) ?? 0
    if (owed >= BATCHES_OWED || this.#bytes + BATCH_BYTES > BATCHES_OWED_BYTES)
      throw new WarrenError('NODE_BUSY', 'some answers have to be read first', { retryAfter: 1 })
    this.#owed.set(peer, owed + 1)
    this.#bytes += BATCH_BYTES
  }

  #paid(peer: string, bytes: number): void {
    this.#bytes -= bytes
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
    const reading = body.read(at, rest.length, (wanted) => rest.subarray(0, wanted))
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
