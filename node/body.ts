/** Gives a buffer of at most the asked size to read into; the caller owns it until it asks again. */
export type Scratch = (size: number) => Buffer

/** Bytes with random access: a stored file, a buffer in memory, or a blob that is still growing. */
export interface Body {
  /** Length in bytes; undefined while the source has not told it. */
  readonly size: number | undefined
  /** The whole content, where it is in memory anyway. */
  readonly bytes?: Buffer
  /**
   * At most `max` bytes from `position`; an empty buffer is the end. Waits while a growing blob has nothing that may go out
   * there yet, and rejects when it never will. The result may be a view of a scratch buffer.
   */
  read(position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer>
  /** Frees descriptors and places in line; idempotent. */
  close(): void
}

const EMPTY = Buffer.alloc(0)

export function bufferBody(bytes: Buffer): Body {
  return {
    size: bytes.length,
    bytes,
    read: (position, max) => (position >= bytes.length ? EMPTY : bytes.subarray(position, position + max)),
    close() {},
  }
}

/** Reads a whole body into memory. For documents whose size is bounded; never for artifacts. */
export async function readAll(body: Body): Promise<Buffer> {
  if (body.bytes) return body.bytes
  const parts: Buffer[] = []
  let position = 0
  for (;;) {
    const part = await body.read(position, 1 << 20, (size) => Buffer.allocUnsafe(size))
    if (part.length === 0) return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    parts.push(part)
    position += part.length
  }
}
