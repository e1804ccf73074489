import { createHash } from 'node:crypto'
import { cacheKey, type Plan } from '../../../node/cache/plan.ts'
import type { Algorithm, Digest } from '../../../node/digest.ts'
import { type Index, indexParser } from './parser.ts'

export const BASE = 'https://registry.example.test/'

export function digestOf(bytes: Buffer | string, algorithm: Algorithm = 'sha512'): Digest {
  return { algorithm, hex: createHash(algorithm).update(bytes).digest('hex') }
}

/** An artifact whose digests the request names; without any, one that its ecosystem gives no checksum for. */
export function artifact(path: string, digests?: readonly Digest[], more: Partial<Plan> = {}): Plan {
  const key = cacheKey({ ecosystem: 'test', base: BASE, path })
  const plan: Plan = { key, ecosystem: 'test', mirror: 'test', kind: 'immutable', url: BASE + path, base: BASE, ...more }
  return digests ? { ...plan, digests } : plan
}

/** A document whose lifetime is a minute, whatever upstream says. */
export function document(path: string, more: Partial<Plan> = {}): Plan {
  return {
    ...artifact(path),
    kind: 'mutable',
    headers: { accept: 'application/json' },
    document: indexParser,
    lifetime: { floor: 60_000, cap: 60_000 },
    ...more,
  }
}

/** An artifact whose digests stand in the document `index`. */
export function indexed(file: string, index = document('index'), more: Partial<Plan> = {}): Plan {
  return artifact(file, undefined, {
    algorithms: ['sha512'],
    expect: async (lookup, signal) => {
      const facts = ((await lookup.cached(index)) ?? (await lookup.fetch(index, signal))) as Index
      const entry = facts.files[file]
      return entry && { ...entry, digests: entry.digests.map(parseDigest) }
    },
    ...more,
  })
}

/** Bytes of an index. */
export function indexBytes(files: Record<string, { bytes?: Buffer; url?: string; digests?: string[] }>): Buffer {
  const entries = Object.entries(files).map(([file, { bytes, ...rest }]) => {
    const digests = bytes ? [`sha512:${digestOf(bytes).hex}`] : []
    return [file, { digests, ...rest }]
  })
  return Buffer.from(JSON.stringify({ files: Object.fromEntries(entries) }))
}

function parseDigest(text: string): Digest {
  const [algorithm, hex] = text.split(':') as [Algorithm, string]
  return { algorithm, hex }
}
