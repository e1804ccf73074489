const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const LITERALS = ['true', 'false', 'null'].map((text) => Buffer.from(text))
/** Bytes that may follow a backslash, without `u` (RFC 8259 section 7). */
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'))

/**
 * A place in a JSON text (RFC 8259) that moves forward over whole values and checks them. Never recursive: a hostile document
 * may nest as deep as it is long. Everything throws a plain Error that names the byte.
 */
export class JsonCursor {
  readonly bytes: Buffer
  at = 0
  /** Index of the closing quote of the name that `name` passed last. */
  nameEnd = 0
  /** Whether that name is written with escapes. */
  nameEscaped = false
  /** The closing brackets that are owed, one byte each, innermost last. */
  #owed = new Uint8Array(256)

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  skip(): void {
    let depth = 0
    for (;;) {
      const byte = this.next()
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.at++
        // In ASCII a closing bracket is its opening one plus two.
        const closer = byte + 2
        if (this.next() !== closer) {
          this.#owe(depth++, closer)
          if (closer === CLOSE_OBJECT) this.name()
          continue
        }
        this.at++
      } else if (byte === QUOTE) this.#string()
      else this.#scalar(byte)
      depth = this.#close(depth)
      if (depth === 0) return
    }
  }

  /** After a value: takes the brackets that end here, up to the next value. Returns how many are still owed. */
  #close(open: number): number {
    let depth = open
    while (depth > 0) {
      const closer = this.#owed[depth - 1]
      const byte = this.next()
      this.at++
      if (byte === COMMA) {
        if (closer === CLOSE_OBJECT) this.name()
        break
      }
      if (byte !== closer) this.fail(-1)
      depth--
    }
    return depth
  }

  #owe(depth: number, closer: number): void {
    if (depth === this.#owed.length) {
      const grown = new Uint8Array(depth * 2)
      grown.set(this.#owed)
      this.#owed = grown
    }
    this.#owed[depth] = closer
  }

  /** Passes over the name of a member and its colon. */
  name(): void {
    if (this.next() !== QUOTE) this.fail()
    this.nameEscaped = this.#string()
    this.nameEnd = this.at - 1
    if (this.next() !== COLON) this.fail()
    this.at++
  }

  /** Moves to the next byte that is no whitespace and returns it; -1 at the end. */
  next(): number {
    const bytes = this.bytes
    let at = this.at
    let byte = bytes[at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
    this.at = at
    return byte ?? -1
  }

  /** Returns whether it has escapes. */
  #string(): boolean {
    const bytes = this.bytes
    const length = bytes.length
    let escaped = false
    let at = this.at + 1
    while (at < length) {
      const byte = bytes[at++] as number
      if (byte === QUOTE) {
        this.at = at
        return escaped
      }
      if (byte < 0x20) break
      if (byte !== BACKSLASH) continue
      escaped = true
      at = this.#escape(at)
    }
    this.at = at
    return this.fail(at < length ? -1 : 0)
  }

  #escape(at: number): number {
    const byte = this.bytes[at] ?? -1
    if (ESCAPES.has(byte)) return at + 1
    this.at = at
    if (byte !== 0x75) this.fail()
    for (let i = 1; i <= 4; i++) if (!isHex(this.bytes[at + i] ?? -1)) this.fail(i)
    return at + 5
  }

  #scalar(first: number): void {
    if (first === MINUS || isDigit(first)) {
      this.#number()
      return
    }
    const literal = LITERALS.find((text) => text.equals(this.bytes.subarray(this.at, this.at + text.length)))
    if (!literal) this.fail()
    this.at += literal.length
  }

  #number(): void {
    const bytes = this.bytes
    if (bytes[this.at] === MINUS) this.at++
    if (bytes[this.at] === 0x30) this.at++
    else this.#digits()
    if (bytes[this.at] === DOT) {
      this.at++
      this.#digits()
    }
    if (((bytes[this.at] ?? 0) | 0x20) === 0x65) {
      this.at++
      if (bytes[this.at] === 0x2b || bytes[this.at] === MINUS) this.at++
      this.#digits()
    }
  }

  #digits(): void {
    const start = this.at
    while (isDigit(this.bytes[this.at] ?? -1)) this.at++
    if (this.at === start) this.fail()
  }

  fail(offset = 0): never {
    const at = this.at + offset
    throw new Error(at >= this.bytes.length ? 'JSON that ends too early' : `no JSON at byte ${at}`)
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function isHex(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}
