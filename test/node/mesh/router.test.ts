import { expect, test } from 'vitest'
import type { Digest } from '../../../node/digest.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { Router, type RouterComponents } from '../../../node/mesh/router.ts'
import { VirtualClock } from '../../harness/clock.ts'

const DIGEST: Digest = { algorithm: 'sha256', hex: '00'.repeat(32) }
const NEVER = new AbortController().signal

/** Members that are worth a guess, and whom the DHT names. */
function router(warm: readonly string[], named: readonly string[]) {
  const clock = new VirtualClock()
  const book = new PeerBook({ clock })
  for (const peer of warm) {
    book.admitted({ peer, role: 'member', notAfter: clock.now() + 1, version: '1', blobs: ['192.0.2.1:1'] })
    book.opened(peer, '/ip4/192.0.2.1/tcp/1')
  }
  const asked: { digest: Digest; signal: AbortSignal }[] = []
  const find = async function* (digest: Digest, signal: AbortSignal) {
    asked.push({ digest, signal })
    yield* named
  }
  const lookup = { find } as unknown as RouterComponents['lookup']
  return { router: new Router({ book, lookup }), asked }
}

const all = (one: Router) => Array.fromAsync(one.locate(DIGEST, NEVER))

test('two likely members come first, then whom the DHT names, each once', async () => {
  const { router: one, asked } = router(['a', 'b', 'c'], ['x', 'b', 'c', 'x', 'a', 'y'])
  expect(await all(one)).toEqual(['a', 'b', 'x', 'c', 'y'])
  expect(asked).toEqual([{ digest: DIGEST, signal: NEVER }])
})

test('whoever knows nobody asks the DHT straight away, and ends with it', async () => {
  expect(await all(router([], ['x', 'y']).router)).toEqual(['x', 'y'])
  expect(await all(router([], []).router)).toEqual([])
})

test('the DHT is not asked as long as the likely ones are enough', async () => {
  const { router: one, asked } = router(['a', 'b'], ['x'])
  for await (const id of one.locate(DIGEST, NEVER)) if (id === 'b') break
  expect(asked).toEqual([])
})
