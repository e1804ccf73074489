import { createCipheriv, createHash } from 'node:crypto'
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

/** AES in counter mode can begin at any of its blocks (NIST SP 800-38A section 6.5). */
const CIPHER = 'aes-128-ctr'
const CIPHER_BLOCK = 16

/** Opens random bytes of any length that take no memory: the same for the same seed, and nothing in them comes twice. */
export function randomBodies(size: number, seed = 1): () => Body {
  const key = createHash('sha256').update(`${seed}`).digest().subarray(0, CIPHER_BLOCK)
  return () => ({
    size,
    read(position, max) {
      const wanted = Math.max(0, Math.min(max, size - position))
      const before = position % CIPHER_BLOCK
      const counter = Buffer.alloc(CIPHER_BLOCK)
      counter.writeBigUInt64BE(BigInt((position - before) / CIPHER_BLOCK), CIPHER_BLOCK / 2)
      return createCipheriv(CIPHER, key, counter)
        .update(Buffer.alloc(before + wanted))
        .subarray(before)
    },
    close() {},
  })
}

/** Bodies of known sizes, one after the other. */
export function joinedBody(parts: readonly { readonly size: number; readonly open: () => Body }[]): Body {
  const opened = parts.map((part) => part.open())
  return {
    size: parts.reduce((total, part) => total + part.size, 0),
    read(position, max, scratch) {
      let start = 0
      for (const [at, { size }] of parts.entries()) {
        const body = opened[at]
        if (body && position < start + size) return body.read(position - start, Math.min(max, start + size - position), scratch)
        start += size
      }
      return Buffer.alloc(0)
    },
    close() {
      for (const body of opened) body.close()
    },
  }
}

/** Hex digest of a body, which is then closed. */
export async function digestOf(body: Body, algorithm: 'sha256' | 'sha512' = 'sha256'): Promise<string> {
  const hash = createHash(algorithm)
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
