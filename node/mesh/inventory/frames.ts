import { z } from 'zod'
import { readVersioned } from '../../trust/versioned.ts'
import { FRAME_KEYS, MAX_ASK_BYTES, MAX_FRAME_BYTES, MAX_KEYS } from './constants.ts'

const VERSION = 1
/** In the order of their numbers on the wire. */
const KINDS = ['wait', 'part', 'end', 'delta', 'same'] as const
/** Version, kind, generation, sequence, keys. */
const HEAD_BYTES = 1 + 1 + 4 + 4 + 4
const LARGEST = 0xffffffff

const uint32 = z.int().min(0).max(LARGEST)

/** What a neighbour has, and wants to know the rest of. */
export interface Ask {
  readonly v: 1
  /** Which inventory it has a copy of; 0: none. */
  readonly generation: number
  /** Up to which change. */
  readonly sequence: number
  /** The last key that it got, while it is being told all of them. */
  readonly after?: number | undefined
}

const askSchema: z.ZodType<Ask> = z.object({
  v: z.literal(1),
  generation: uint32,
  sequence: uint32,
  after: z.int().min(-1).max(LARGEST).optional(),
})

/** What a node tells of its inventory. */
export interface Frame {
  /** `wait`: it has not counted yet. `part` and `end`: of all keys. `delta`: changes up to `sequence`. `same`: there are none. */
  readonly kind: (typeof KINDS)[number]
  readonly generation: number
  readonly sequence: number
  /** How many keys it has in all. */
  readonly keys: number
  /** Ascending, each once. */
  readonly added: Uint32Array
  readonly removed: Uint32Array
}

export function encodeAsk(ask: Ask): Buffer {
  return Buffer.from(JSON.stringify(ask))
}

/** Throws Error for what is no such question. */
export function decodeAsk(bytes: Uint8Array): Ask {
  if (bytes.length > MAX_ASK_BYTES) throw new Error(`a question has at most ${MAX_ASK_BYTES} bytes, not ${bytes.length}`)
  const reading = readVersioned(Buffer.from(bytes).toString(), askSchema)
  if (reading.problem !== undefined) throw new Error(`what came is no question for an inventory: ${reading.problem}`)
  return reading.value
}

/**
 * A frame on the wire: a head of 14 bytes (version, kind, then generation, sequence and keys as 32-bit numbers, big-endian), the
 * keys that are new and those that are gone. Each list is its length and the distances from one key to the next, as varints
 * (LEB128): of a million keys two bytes each.
 */
export function encodeFrame({ kind, generation, sequence, keys, added, removed }: Frame): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + 5 * (added.length + removed.length + 2))
  bytes.writeUInt8(VERSION, 0)
  bytes.writeUInt8(KINDS.indexOf(kind), 1)
  bytes.writeUInt32BE(generation, 2)
  bytes.writeUInt32BE(sequence, 6)
  bytes.writeUInt32BE(keys, 10)
  return bytes.subarray(0, writeList(bytes, writeList(bytes, HEAD_BYTES, added), removed))
}

/** Throws Error for what is no frame, whoever made it. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length > MAX_FRAME_BYTES || view.length < HEAD_BYTES) throw wrong(`it has ${view.length} bytes`)
  if (view.readUInt8(0) !== VERSION) throw wrong(`it is of version ${view.readUInt8(0)}`)
  const kind = KINDS[view.readUInt8(1)]
  if (!kind) throw wrong(`it is of kind ${view.readUInt8(1)}`)
  const keys = view.readUInt32BE(10)
  if (keys > MAX_KEYS) throw wrong(`it speaks of ${keys} keys`)
  const added = readList(view, HEAD_BYTES)
  const removed = readList(view, added.end)
  if (removed.end !== view.length) throw wrong('something follows its end')
  if ((kind === 'wait' || kind === 'same') && added.list.length > 0) throw wrong('it brings keys and says that there are none')
  if (kind !== 'delta' && removed.list.length > 0) throw wrong('it takes keys away that it never brought')
  const numbers = { generation: view.readUInt32BE(2), sequence: view.readUInt32BE(6), keys }
  return { kind, ...numbers, added: added.list, removed: removed.list }
}

function writeList(bytes: Buffer, start: number, list: Uint32Array): number {
  let at = writeVarint(bytes, start, list.length)
  let last = 0
  for (const one of list) {
    at = writeVarint(bytes, at, one - last)
    last = one
  }
  return at
}

function readList(bytes: Buffer, start: number): { list: Uint32Array; end: number } {
  const count = readVarint(bytes, start)
  if (count.value > FRAME_KEYS) throw wrong(`it lists ${count.value} keys`)
  // Each takes a byte at least: a short frame must not make room for a long list.
  if (count.value > bytes.length - count.end) throw wrong('it is shorter than its list')
  const list = new Uint32Array(count.value)
  let at = count.end
  let last = 0
  for (let index = 0; index < list.length; index++) {
    const { value, end } = readVarint(bytes, at)
    if (value === 0 && index > 0) throw wrong('it lists a key twice')
    last += value
    if (last > LARGEST) throw wrong('it lists what is no key')
    list[index] = last
    at = end
  }
  return { list, end: at }
}

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let at = start
  let value = number
  while (value > 0x7f) {
    bytes[at++] = (value & 0x7f) | 0x80
    value = Math.floor(value / 0x80)
  }
  bytes[at++] = value
  return at
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0
  for (let at = start, unit = 1; at < start + 5; at++, unit *= 0x80) {
    const byte = bytes[at]
    if (byte === undefined) throw wrong('it is cut')
    value += (byte & 0x7f) * unit
    // One spelling of each number, so that there is one of each frame.
    if (byte === 0 && at > start) throw wrong('a number in it is padded')
    if (byte < 0x80) return { value, end: at + 1 }
  }
  throw wrong('a number in it is too long')
}

function wrong(what: string): Error {
  return new Error(`what came is no frame of an inventory: ${what}`)
}
