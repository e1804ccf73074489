import { randomBytes } from 'node:crypto'
import { type ByteRange, contentRange } from './range.ts'

/** A multipart/byteranges answer (RFC 9110 section 14.6). */
export class Multipart {
  readonly contentType: string
  /** Bytes of the whole body, delimiters included. */
  readonly length: number
  readonly parts: readonly { readonly head: Buffer; readonly range: ByteRange }[]
  readonly tail: Buffer

  constructor(ranges: readonly ByteRange[], size: number, partType: string | undefined) {
    // Random, so that no artifact can hold the delimiter and pretend to parts of its own.
    const boundary = randomBytes(18).toString('base64url')
    const type = partType === undefined ? '' : `content-type: ${partType}\r\n`
    this.contentType = `multipart/byteranges; boundary=${boundary}`
    this.parts = ranges.map((range, i) => ({
      head: Buffer.from(
        `${i === 0 ? '' : '\r\n'}--${boundary}\r\n${type}content-range: ${contentRange(range, size)}\r\n\r\n`,
        'latin1',
      ),
      range,
    }))
    this.tail = Buffer.from(`\r\n--${boundary}--\r\n`)
    this.length = this.parts.reduce((sum, { head, range }) => sum + head.length + range.end - range.start + 1, this.tail.length)
  }
}
