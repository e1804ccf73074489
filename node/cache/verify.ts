import { createHash } from 'node:crypto'
import { type Digest, type Digests, formatDigest, isOfBytes } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import { StagedBytes } from '../store/staged-bytes.ts'
import type { Staging } from '../store/store.ts'
import { hash1, zipHash1 } from '../zip/digest.ts'
import type { Expectation, Plan } from './plan.ts'

/** Bytes that have none of the promised digests: UPSTREAM_CORRUPT. */
export class Mismatch extends WarrenError {}

/** The digest that was found right, as `algorithm:hex`; none when upstream promises none. Throws Mismatch. */
export async function verify(plan: Plan, { digests: wanted }: Expectation, staging: Staging): Promise<readonly string[]> {
  if (wanted.length === 0) return []
  const computed = await staging.seal()
  let got: string | undefined
  for (const digest of wanted) {
    const hex = computed[digest.algorithm] ?? (await readBack(plan, staging, digest, computed))
    if (hex === digest.hex) return [formatDigest(digest)]
    got = written({ ...digest, hex })
  }
  const promised = wanted.map(written).join(' or ')
  throw new Mismatch('UPSTREAM_CORRUPT', `${plan.mirror}: ${plan.url} has not the promised ${promised} but ${got}: not kept`)
}

/** By which bytes that have one of these digests can be named; undefined where none is sure to be of exactly these bytes. */
export function nameOf([only, another]: readonly Digest[]): string | undefined {
  // What is in an archive is the same in another one.
  return only && !another && isOfBytes(only.algorithm) ? formatDigest(only) : undefined
}

async function readBack(plan: Plan, staging: Staging, digest: Digest, computed: Digests): Promise<string> {
  const bytes = new StagedBytes(staging, { what: digest.algorithm })
  switch (digest.algorithm) {
    case 'h1mod':
      return hash1(new Map([['go.mod', computed.sha256]]))
    case 'h1':
      try {
        return await zipHash1(bytes)
      } catch (cause) {
        if (isWarrenError(cause)) throw cause
        const why = `${plan.mirror}: ${plan.url} has not the promised ${written(digest)}: ${reasonOf(cause)}`
        throw new Mismatch('UPSTREAM_CORRUPT', `${why}: not kept`, { cause })
      }
    default: {
      const hash = createHash(digest.algorithm)
      for await (const piece of bytes.pieces(0, bytes.size)) hash.update(piece)
      return hash.digest('hex')
    }
  }
}

/** As its ecosystem writes it: Go has base64. */
function written(digest: Digest): string {
  return isOfBytes(digest.algorithm) ? formatDigest(digest) : `h1:${Buffer.from(digest.hex, 'hex').toString('base64')}`
}
