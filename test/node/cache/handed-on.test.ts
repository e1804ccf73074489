import { expect, it } from 'vitest'
import type { Body } from '../../../node/body.ts'
import type { PartialBlob } from '../../../node/mesh/shelf.ts'
import { bytesOf, codeOf, inTime, makeCache, serve, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const MIB = 1 << 20
const BYTES = bytesOf(12 * MIB)
const DIGEST = digestOf(BYTES)
const PLAN = artifact('large', [DIGEST])

it('bytes of a copy that turned out to be wrong are handed on no more', async () => {
  let partial: PartialBlob | undefined
  let body: Body | undefined
  let reading: Promise<string> | undefined
  const inDoubt: unknown[] = []
  const kit = makeCache({
    script: (request) => {
      // The first time it goes on where the seed broke off, the second time it sends all of it.
      if (request.range) partial = kit.cache.partial(DIGEST)
      else {
        inDoubt.push(partial?.verified, kit.cache.partial(DIGEST))
        // Of what is there already, and at once.
        reading = codeOf(Promise.resolve(body?.read(0, 10, (size) => Buffer.alloc(size))))
      }
      body ??= partial?.open()
      return serve(request, BYTES)
    },
  })
  member(kit, 'liar', BYTES, { kind: 'seed', fault: { flipAt: 5, cutAfter: 9 * MIB } })
  const found = await kit.get(PLAN)
  const before = (await found.body.read(0, 10, (size) => Buffer.alloc(size))).length
  expect(before).toBe(10)
  const rest = inTime(kit.clock, codeOf(readOn(found.body)))
  expect(await rest).toBe('UPSTREAM_CUT')
  expect([...inDoubt, await reading]).toEqual([0, undefined, 'UPSTREAM_CUT'])
  body?.close()
  found.body.close()
  expect(kit.mesh.blamed).toEqual(['liar'])
})

async function readOn(body: Body): Promise<void> {
  for (let at = 0; ; ) {
    const { length } = await body.read(at, MIB, (size) => Buffer.alloc(size))
    if (length === 0) return
    at += length
  }
}
