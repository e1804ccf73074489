import { expect, onTestFinished, test } from 'vitest'
import { StopSignals } from '../../../admin/cli/stop-signals.ts'

/** What it does with signals, which are only emitted: whoever runs the tests must not hear them. */
function listen() {
  const before = new Set(process.listeners('SIGINT'))
  const all = new Set(process.listeners('SIGTERM'))
  const insisted: number[] = []
  const signals = new StopSignals({ insist: () => void insisted.push(1) })
  const mine = () => process.listeners('SIGINT').filter((listener) => !before.has(listener))
  onTestFinished(() => {
    for (const listener of mine()) process.off('SIGINT', listener)
    for (const listener of process.listeners('SIGTERM')) if (!all.has(listener)) process.off('SIGTERM', listener)
  })
  return { signals, insisted, mine, send: () => mine().forEach((listener) => void listener('SIGINT')) }
}

test('one Ctrl-C that comes twice asks once and insists on nothing', async () => {
  const { signals, insisted, send } = listen()
  send()
  send()
  await signals.asked
  expect(insisted).toEqual([])
})

test('who was asked to stop goes on taking signals to its end: npm hands a Ctrl-C on a moment later', async () => {
  const { signals, insisted, mine, send } = listen()
  send()
  await signals.asked
  signals.close()
  expect(mine().length).toBe(1)
  send()
  expect(insisted).toEqual([])
})

test('who was not asked listens no longer than it has to', () => {
  const { signals, mine } = listen()
  signals.close()
  expect(mine()).toEqual([])
})
