import { afterEach, expect, it } from 'vitest'
import { digestOf } from '../../conformance/mesh.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Members } from '../../harness/members.ts'
import { MemoryShelf } from '../../harness/memory-shelf.ts'
import { ShiftedClock } from '../../harness/shifted-clock.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'

useLeakCheck()
const members = new Members(useTempFolders())
afterEach(() => members.close())

it('what a member held before it started is announced by itself', async () => {
  const clock = new ShiftedClock()
  const seed = await members.open({ clock })
  const shelf = new MemoryShelf()
  const bytes = Buffer.from('held since yesterday')
  shelf.hold(bytes)
  // It keeps no DHT records, so that it is found only by one that it has told somebody of.
  const { id } = await members.join({ clock, shelf, mesh: { dht: 'client' } })
  // By now nobody guesses any more that it may have something.
  clock.shift += 60_000
  await eventually('the seed finds it', async () => {
    for await (const source of seed.mesh.find(digestOf(bytes), new AbortController().signal)) if (source.id === id) return true
    return false
  })
  expect(seed.mesh.peers().map((peer) => peer.id)).toEqual([id])
})
