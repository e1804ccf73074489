import { expect, it } from 'vitest'
import { bufferBody } from '../../../../node/body.ts'
import { Handout } from '../../../../node/mesh/swarm/handout.ts'
import { UploadRate } from '../../../../node/mesh/swarm/upload-rate.ts'
import { Uploads } from '../../../../node/mesh/swarm/uploads.ts'
import { digestOf } from '../../../conformance/mesh.ts'
import { VirtualClock } from '../../../harness/clock.ts'

const MIB = 1 << 20
const LARGE = Buffer.alloc(9 * MIB, 'large')
const SMALL = LARGE.subarray(0, MIB)
const scratch = (size: number) => Buffer.allocUnsafe(size)

it('large blobs keep to the rate of a node, all together, and small ones are free', async () => {
  const clock = new VirtualClock()
  const uploads = new Uploads({ clock, usable: () => true }, { slots: 8, fanOut: () => 8 })
  const shelf = { open: ({ hex }: { hex: string }) => bufferBody(hex === '1' ? SMALL : LARGE), partial: () => undefined }
  const handout = new Handout({ shelf, uploads, clock, rate: new UploadRate({ clock }, { rate: MIB }) })
  const left = () => new AbortController().signal
  const open = (peer: string, digest = digestOf(LARGE)) => handout.open({ digest, peer, start: 0, asking: 'first' }, left)
  const began = clock.now()
  const bodies = await Promise.all(['a', 'b'].map((peer) => open(peer)))
  let passed = 0
  const reading = bodies.map(async ({ body }) => {
    for (let at = 0; at < 4 * MIB; passed += MIB) at += (await body.read(at, MIB, scratch)).length
    body.close()
  })
  await clock.advance(3_000)
  // What was read, and what each of the two waits for.
  expect(passed).toBeLessThanOrEqual(5 * MIB)
  const { body } = await open('c', { algorithm: 'sha256', hex: '1' })
  expect(body.read(0, MIB, scratch)).toBeInstanceOf(Buffer)
  await clock.advance(6_000)
  await Promise.all(reading)
  expect(clock.now() - began).toBeGreaterThanOrEqual(8_000)
  expect(uploads.running).toBe(0)
})

it('large blobs go on when a clock is set back', async () => {
  const clock = new VirtualClock()
  const rate = new UploadRate({ clock }, { rate: MIB })
  let passed = 0
  const sending = (async () => {
    for (; passed < 10; passed++) await rate.pass(MIB)
  })()
  await clock.advance(3_000)
  expect(passed).toBeLessThan(5)
  clock.jump(-24 * 60 * 60_000)
  await clock.advance(10_000)
  expect(passed).toBe(10)
  await sending
})

it('what need not go out is let through as long as it keeps to the rate, and waits for nobody', async () => {
  const clock = new VirtualClock()
  const rate = new UploadRate({ clock }, { rate: MIB })
  const tries = () => Array.from({ length: 4 }, () => rate.fits(MIB / 20))
  expect(tries()).toEqual([true, true, true, false])
  clock.jump(50)
  expect(tries()).toEqual([true, false, false, false])
  clock.jump(-24 * 60 * 60_000)
  expect(tries()).toEqual([false, false, false, false])
  clock.jump(1_000)
  expect(tries()).toEqual([true, true, true, false])
  expect(clock.sleeping).toBe(0)
})
