import { createHash } from 'node:crypto'
import { type Digest, formatDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { Staging } from '../store/store.ts'
import type { Expectation, Plan } from './plan.ts'

/** Bytes read back at a time for a digest that was not computed on the way. */
const READ_BYTES = 1 << 20

/** The digest that was found right, as `algorithm:hex`; none when upstream promises none. Throws UPSTREAM_CORRUPT. */
export async function verify(plan: Plan, { digests: wanted }: Expectation, staging: Staging): Promise<readonly string[]> {
  if (wanted.length === 0) return []
  const computed = await staging.seal()
  let got: string | undefined
  for (const digest of wanted) {
    got = computed[digest.algorithm] ?? (await readBack(staging, digest))
    if (got === digest.hex) return [formatDigest(digest)]
  }
  const promised = wanted.map(formatDigest).join(' or ')
  throw new WarrenError('UPSTREAM_CORRUPT', `${plan.mirror}: ${plan.url} has not the promised ${promised} but ${got}: not kept`)
}

async function readBack(staging: Staging, { algorithm }: Digest): Promise<string> {
  const hash = createHash(algorithm)
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (let position = 0; position < staging.written; ) {
    const bytes = await staging.read(position, READ_BYTES, (size) => buffer.subarray(0, size))
    if (!bytes?.length)
      throw new WarrenError('UPSTREAM_CUT', `the bytes passed through without a disk: their ${algorithm} cannot be had`)
    hash.update(bytes)
    position += bytes.length
  }
  return hash.digest('hex')
}
