import type { Staging } from '../store/store.ts'

/** Bytes compared at a time. */
const PIECE = 256 << 10

/**
 * Offset of the first of the bytes [start, end) in which two copies differ, undefined when there is none. Where one copy ends, or
 * holds its bytes no longer, it differs.
 */
export async function firstDifference(one: Staging, other: Staging, start: number, end: number): Promise<number | undefined> {
  const buffers = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)] as const
  for (let position = start; position < end; ) {
    const [a, b] = await Promise.all([read(one, position, end, buffers[0]), read(other, position, end, buffers[1])])
    const length = Math.min(a.length, b.length)
    if (length === 0) return position
    if (a.compare(b, 0, length, 0, length) !== 0) {
      return position + a.subarray(0, length).findIndex((byte, at) => byte !== b[at])
    }
    position += length
  }
  return undefined
}

async function read(staging: Staging, position: number, end: number, buffer: Buffer): Promise<Buffer> {
  const max = Math.min(end, staging.written) - position
  if (max <= 0) return buffer.subarray(0, 0)
  const bytes = await staging.read(position, Math.min(max, buffer.length), (size) => buffer.subarray(0, size))
  return bytes ?? buffer.subarray(0, 0)
}
