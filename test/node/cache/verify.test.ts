import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { verify } from '../../../node/cache/verify.ts'
import type { Algorithm, Digest } from '../../../node/digest.ts'
import { MemoryStaging } from '../../../node/store/memory-staging.ts'
import type { Staging } from '../../../node/store/store.ts'
import { h1Of, makeZip } from '../../harness/scripted-go-zip.ts'
import { bytesOf } from './fixture.ts'

const PLAN = { mirror: 'go', url: 'https://goproxy.test/a/@v/v1.0.0.zip' } as Plan
const FILES = [{ name: 'a@v1.0.0/go.mod', data: 'module a\n' }]
const NONE = '0'.repeat(64)

function staged(bytes: Buffer, storing = true): Staging {
  const staging = new MemoryStaging({ commit: () => true }, { algorithms: [], storing })
  for (let at = 0; at < bytes.length; at += 100_000) staging.write(bytes.subarray(at, at + 100_000))
  return staging
}

const hexOf = (h1: string) => Buffer.from(h1.slice('h1:'.length), 'base64').toString('hex')
const check = (staging: Staging, ...digests: Digest[]) => verify(PLAN, { digests }, staging)
const digest = (algorithm: Algorithm, hex: string): Digest => ({ algorithm, hex })

describe('what is read back', () => {
  it('is checked by algorithms that were not computed on the way', async () => {
    const bytes = bytesOf(2_500_000)
    const sha1 = createHash('sha1').update(bytes).digest('hex')
    expect(await check(staged(bytes), digest('sha1', sha1))).toEqual([`sha1:${sha1}`])
    await expect(check(staged(bytes), digest('sha1', sha1.replace(/./g, '0')))).rejects.toMatchObject({
      code: 'UPSTREAM_CORRUPT',
      message: expect.stringContaining(`but sha1:${sha1}`),
    })
  })

  it('is checked by h1, over the files of an archive', async () => {
    const h1 = h1Of(FILES)
    expect(await check(staged(makeZip(FILES)), digest('h1', hexOf(h1)))).toEqual([`h1:${hexOf(h1)}`])
    await expect(check(staged(makeZip(FILES)), digest('h1', NONE))).rejects.toMatchObject({
      code: 'UPSTREAM_CORRUPT',
      // As it stands in a go.sum.
      message: expect.stringContaining(`but ${h1}: not kept`),
    })
  })

  it('is refused by name and reason if it is no archive', async () => {
    await expect(check(staged(Buffer.from('<html>')), digest('h1', NONE))).rejects.toMatchObject({
      code: 'UPSTREAM_CORRUPT',
      message: expect.stringMatching(/v1\.0\.0\.zip has not the promised h1:A{43}=: it has no end of a directory: not kept/),
    })
  })

  it('is checked by h1mod, over one file, even if nothing of it is held any more', async () => {
    const text = Buffer.from('module a\n')
    const hex = hexOf(h1Of([{ name: 'go.mod', data: text }]))
    for (const storing of [true, false]) {
      const staging = staged(text, storing)
      if (!storing) staging.release(text.length)
      expect(await check(staging, digest('h1mod', hex))).toEqual([`h1mod:${hex}`])
    }
    await expect(check(staged(text), digest('h1mod', NONE))).rejects.toMatchObject({ code: 'UPSTREAM_CORRUPT' })
  })

  it('cannot be checked by h1 once the bytes are gone', async () => {
    const zip = makeZip([{ name: 'a@v1.0.0/a', data: bytesOf(3_000_000), stored: true }])
    const staging = staged(zip, false)
    staging.release(zip.length)
    await expect(check(staging, digest('h1', NONE))).rejects.toMatchObject({ code: 'UPSTREAM_CUT' })
  })
})
