import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Body } from '../../node/body.ts'
import { Random } from './random.ts'

/** Length of the run of bytes that a pattern repeats; prime, so that no block size hides a chunk in the wrong place. */
const PATTERN_BYTES = 1_048_573

/** A file as a body. Rejects a file of another length than promised: a recording that was cut must not pass for a whole one. */
export function fileBody(path: string, size: number): Body {
  const descriptor = openSync(path, 'r')
  const found = fstatSync(descriptor).size
  let open = true
  const close = () => {
    if (open) closeSync(descriptor)
    open = false
  }
  if (found !== size) {
    close()
    throw new Error(`${path} has ${found} bytes where ${size} were recorded`)
  }
  return {
    size,
    read(position, max, scratch) {
      const wanted = Math.max(0, Math.min(max, size - position))
      const buffer = scratch(wanted)
      return buffer.subarray(0, readSync(descriptor, buffer, 0, wanted, position))
    },
    close,
  }
}

/** Opens bytes of any length that take a megabyte: the same for the same seed, and incompressible within that megabyte. */
export function patternBodies(size: number, seed = 1): () => Body {
  const pattern = new Random(seed).bytes(PATTERN_BYTES)
  return () => ({
    size,
    read(position, max) {
      const from = position % PATTERN_BYTES
      return pattern.subarray(from, from + Math.max(0, Math.min(max, size - position)))
    },
    close() {},
  })
}

/** Hex sha256 of a body, which is then closed. */
export async function digestOf(body: Body): Promise<string> {
  const hash = createHash('sha256')
  for (let position = 0; ; ) {
    const part = await body.read(position, PATTERN_BYTES, (size) => Buffer.allocUnsafe(size))
    if (part.length === 0) break
    hash.update(part)
    position += part.length
  }
  body.close()
  return hash.digest('hex')
}

/** The same bytes with the one at `at` changed; a body that ends before it stays as it is. */
export function flippedBody(body: Body, at: number): Body {
  return {
    size: body.size,
    async read(position, max, scratch) {
      const part = await body.read(position, max, scratch)
      if (at < position || at >= position + part.length) return part
      const changed = Buffer.from(part)
      changed[at - position] = (changed[at - position] ?? 0) ^ 0xff
      return changed
    },
    close: () => body.close(),
  }
}
