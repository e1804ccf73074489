import { hash } from 'node:crypto'
import type { Digest } from '../../digest.ts'

/**
 * What stands for an artifact's cache key in an inventory: who looks for it may not know its digest yet. Of all keys together nobody
 * learns a name from that, and who knows the name may ask for it anyway.
 */
export function nameDigest(key: string): Digest {
  return { algorithm: 'sha256', hex: hash('sha256', key) }
}
