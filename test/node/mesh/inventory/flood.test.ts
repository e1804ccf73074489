import { expect, it } from 'vitest'
import { encodeAsk, encodeFrame, type Frame } from '../../../../node/mesh/inventory/frames.ts'
import { Inventories } from '../../../../node/mesh/inventory/inventories.ts'
import { InventoryServer } from '../../../../node/mesh/inventory/inventory-server.ts'
import { Subscriptions } from '../../../../node/mesh/inventory/subscriptions.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'

useLeakCheck()

const KEYS = Uint32Array.from({ length: 4_000 }, (_, at) => at)
const NONE = new Uint32Array()
const NEVER = new Promise<void>(() => {})

/** Follows a member that answers each question at once, for a while. Gives back how often it was asked in each minute. */
async function followed(answer: (asked: number) => Frame): Promise<{ minutes: number[]; inventories: Inventories }> {
  const clock = new VirtualClock()
  const inventories = new Inventories({ clock, isSeed: () => false })
  let asked = 0
  const subscriptions = new Subscriptions({
    inventories,
    clock,
    open: async () => ({ send: async () => {}, receive: async () => encodeFrame(answer(++asked)), close() {} }),
    candidates: () => ['flood'],
    isSeed: () => false,
  })
  subscriptions.refresh()
  const minutes: number[] = []
  for (let minute = 0; minute < 2; minute++) {
    const before = asked
    await clock.advance(60_000)
    minutes.push(asked - before)
  }
  subscriptions.stop()
  await clock.advance(1)
  return { minutes, inventories }
}

it('a member that never stops telling of changes is heard at the pace of one that works', async () => {
  const { minutes, inventories } = await followed((sequence) => {
    const head = { generation: 1, sequence, keys: KEYS.length }
    if (sequence === 1) return { ...head, kind: 'end', added: KEYS, removed: NONE }
    return { ...head, kind: 'delta', ...(sequence % 2 === 0 ? { added: NONE, removed: KEYS } : { added: KEYS, removed: NONE }) }
  })
  const [first = 0, second = 0] = minutes
  // What may come at once: changes of nearly a million keys.
  expect(first * KEYS.length).toBeGreaterThan(500_000)
  expect(first * KEYS.length).toBeLessThan(1_200_000)
  expect(second * KEYS.length).toBeGreaterThan(100_000)
  expect(second * KEYS.length).toBeLessThan(300_000)
  expect(inventories.status('flood')?.state).toBe('fresh')
})

it('a member that says at once that there is nothing new is not asked thousands of times a second', async () => {
  const { minutes } = await followed((asked) => {
    const head = { generation: 1, sequence: 1, keys: KEYS.length, removed: NONE }
    return asked === 1 ? { ...head, kind: 'end', added: KEYS } : { ...head, kind: 'same', added: NONE }
  })
  const [, second = 0] = minutes
  expect(second).toBeGreaterThan(1_000)
  expect(second).toBeLessThan(5_000)
})

it('a member that begins anew again and again is told no more than one that does not', async () => {
  const clock = new VirtualClock()
  const all: Frame = { kind: 'end', generation: 1, sequence: 1, keys: KEYS.length, added: KEYS, removed: NONE }
  const server = new InventoryServer({ own: { answer: () => all, same: () => all, changed: NEVER }, clock })
  const question = encodeAsk({ v: 1, generation: 0, sequence: 0 })
  let sent = 0
  for (let time = 0; time < 2_000; time++) {
    const over = new AbortController()
    const receive = async () => question
    const send = async ({ length }: Uint8Array) => {
      sent += length
    }
    const serving = server.serve('greedy', { receive, send, close() {} }, over.signal)
    await clock.advance(10)
    over.abort(new Error('it left'))
    await serving
  }
  // What may go at once, and what the seconds allow.
  expect(sent).toBeGreaterThan(10 << 20)
  expect(sent).toBeLessThan(20 << 20)
})
