import { isUtf8 } from 'node:buffer'
import { JsonCursor } from './cursor.ts'

/** Which members of an object are wanted, or that the items of an array are; a shape without either takes a value as a whole. */
export interface Shape {
  readonly members: readonly { readonly name: string; readonly bytes: Buffer; readonly shape: Shape }[]
  readonly each: Shape | undefined
  readonly items: Shape | undefined
}

export function shape(members: Readonly<Record<string, Shape>> = {}, each?: Shape): Shape {
  const named = Object.entries(members).map(([name, shape]) => ({ name, bytes: Buffer.from(name), shape }))
  return { members: named, each, items: undefined }
}

/** All items of an array. */
export function listOf(items: Shape): Shape {
  return { members: [], each: undefined, items }
}

export interface Found {
  readonly type: 'object' | 'array' | 'string' | 'other'
  /** First byte; of a string the one after the opening quote. */
  readonly start: number
  /** Byte after the last one; of a string the closing quote. */
  readonly end: number
  /** Wanted members that an object has, by their decoded name; of a repeated one the last, as with JSON.parse. */
  readonly members: ReadonlyMap<string, Found>
  /** What an array has, if its items are wanted. */
  readonly items: readonly Found[]
}

/** Values kept of one document, to bound memory. A packument needs five a version, and no package has 100 000 versions. */
const MAX_FOUND = 500_000

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const NO_MEMBERS: ReadonlyMap<string, Found> = new Map()
const NO_ITEMS: readonly Found[] = []

/**
 * Finds the wanted values of a JSON text without building the rest. Accepts exactly what JSON.parse accepts (RFC 8259), in UTF-8
 * without a byte order mark, in time proportional to the length. Recursion goes no deeper than the shape. Throws a plain Error.
 */
export function scan(bytes: Buffer, wanted: Shape): Found {
  if (!isUtf8(bytes)) throw new Error('not UTF-8')
  return new Scanner(bytes).document(wanted)
}

/** The text of a string value; undefined for any other value. */
export function textOf(bytes: Buffer, found: Found | undefined): string | undefined {
  return found?.type === 'string' ? decode(bytes, found.start, found.end) : undefined
}

function decode(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** Written out: most names are not wanted and differ in length or at once, and a call into native code costs more than that. */
function isAt(wanted: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (wanted.length !== end - start) return false
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== bytes[start + i]) return false
  return true
}

class Scanner {
  readonly #bytes: Buffer
  readonly #cursor: JsonCursor
  #found = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#cursor = new JsonCursor(bytes)
  }

  document(wanted: Shape): Found {
    const found = this.#value(wanted)
    if (this.#cursor.next() !== -1) this.#cursor.fail()
    return found
  }

  #value(wanted: Shape): Found {
    if (++this.#found > MAX_FOUND) throw new Error(`more than ${MAX_FOUND} values in one document`)
    const cursor = this.#cursor
    const first = cursor.next()
    const start = cursor.at
    if (first === OPEN_OBJECT && (wanted.members.length > 0 || wanted.each)) {
      const members = this.#object(wanted)
      return { type: 'object', start, end: cursor.at, members, items: NO_ITEMS }
    }
    if (first === OPEN_ARRAY && wanted.items) {
      const items = this.#array(wanted.items)
      return { type: 'array', start, end: cursor.at, members: NO_MEMBERS, items }
    }
    cursor.skip()
    const nothing = { members: NO_MEMBERS, items: NO_ITEMS }
    if (first === QUOTE) return { type: 'string', start: start + 1, end: cursor.at - 1, ...nothing }
    const type = first === OPEN_OBJECT ? 'object' : first === OPEN_ARRAY ? 'array' : 'other'
    return { type, start, end: cursor.at, ...nothing }
  }

  #array(wanted: Shape): readonly Found[] {
    const cursor = this.#cursor
    cursor.at++
    if (cursor.next() === CLOSE_ARRAY) {
      cursor.at++
      return NO_ITEMS
    }
    const items: Found[] = []
    for (;;) {
      items.push(this.#value(wanted))
      const byte = cursor.next()
      cursor.at++
      if (byte === CLOSE_ARRAY) return items
      if (byte !== COMMA) cursor.fail(-1)
    }
  }

  #object(wanted: Shape): ReadonlyMap<string, Found> {
    const cursor = this.#cursor
    let members: Map<string, Found> | undefined
    cursor.at++
    if (cursor.next() === CLOSE_OBJECT) {
      cursor.at++
      return NO_MEMBERS
    }
    for (;;) {
      cursor.next()
      const start = cursor.at + 1
      cursor.name()
      const member = this.#match(wanted, start, cursor.nameEnd)
      if (member) {
        members ??= new Map()
        members.set(member.name, this.#value(member.shape))
      } else cursor.skip()
      const byte = cursor.next()
      cursor.at++
      if (byte === CLOSE_OBJECT) return members ?? NO_MEMBERS
      if (byte !== COMMA) cursor.fail(-1)
    }
  }

  #match(wanted: Shape, start: number, end: number): { readonly name: string; readonly shape: Shape } | undefined {
    const bytes = this.#bytes
    // A name may be written with escapes, which JSON.parse would see through.
    const escaped = this.#cursor.nameEscaped ? decode(bytes, start, end) : undefined
    for (const member of wanted.members) {
      if (escaped === undefined ? isAt(member.bytes, bytes, start, end) : member.name === escaped) return member
    }
    return wanted.each && { name: escaped ?? decode(bytes, start, end), shape: wanted.each }
  }
}
