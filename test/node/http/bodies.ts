import { setTimeout } from 'node:timers/promises'
import type { Body } from '../../../node/body.ts'

export interface FileLikeInit {
  /** Ms that a read takes; undefined: one turn of the event loop. */
  readonly delay?: number | (() => number)
  /** Most bytes that one read gives. */
  readonly piece?: number | (() => number)
  /** Rejects reads that begin at or after this offset. */
  readonly breakAt?: number
  /** Ends there, whatever size was told. */
  readonly endAt?: number
}

/** A body whose bytes come as those of a file do: later, into the buffer that is lent, and not always as many as asked for. */
export function fileLike(bytes: Buffer, init: FileLikeInit = {}): Body & { readonly closed: number; readonly reading: number } {
  const value = (setting: number | (() => number) | undefined) => (typeof setting === 'function' ? setting() : setting)
  let closed = 0
  let reading = 0
  return {
    size: bytes.length,
    get closed() {
      return closed
    },
    get reading() {
      return reading
    },
    async read(position, max, scratch) {
      const end = init.endAt ?? bytes.length
      const wanted = Math.max(0, Math.min(max, value(init.piece) ?? max, end - position))
      const lent = scratch(wanted)
      reading++
      try {
        const delay = value(init.delay)
        if (delay === undefined) await new Promise((resolve) => setImmediate(resolve))
        else await setTimeout(delay)
        if (init.breakAt !== undefined && position >= init.breakAt) throw new Error('EIO: the disk said no at /secret/place')
        return lent.subarray(0, bytes.copy(lent, 0, position, Math.min(position + lent.length, position + wanted)))
      } finally {
        reading--
      }
    },
    close() {
      closed++
    },
  }
}
