import { describe, expect, it, onTestFinished } from 'vitest'
import { beside, JOB_DEADLINE, JobThreads } from '../../../node/threads/job-threads.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { eventually } from '../../harness/wait.ts'
import type { Order } from './work.ts'

useLeakCheck()

function start() {
  const clock = new VirtualClock()
  const threads = new JobThreads<Order, string>({ clock }, { worker: beside(import.meta.url, 'work'), heap: 64 })
  onTestFinished(() => threads.close())
  const done: string[] = []
  const run = async (kind: string, order: Order, size = 1) => {
    const result = await threads.run({ kind, size, order })
    done.push(result)
    return result
  }
  const say = (text: string, size = 1, kind = 'a') => run(kind, { say: text }, size)
  /** Occupies a kind until it is let go. */
  const hold = (kind: string) => {
    const wait = new Int32Array(new SharedArrayBuffer(4))
    const held = run(kind, { wait })
    const letGo = () => {
      Atomics.store(wait, 0, 1)
      Atomics.notify(wait, 0)
      return held
    }
    return { letGo }
  }
  /** Moves time to where a job that began has taken too long. */
  const expire = async () => {
    await eventually('the time of the job to begin', () => clock.sleeping > 0)
    await clock.advance(JOB_DEADLINE)
  }
  return { threads, clock, done, run, say, hold, expire }
}

describe('jobs in other threads', () => {
  it('give what they made, or what they threw', async () => {
    const { run, say } = start()
    expect(await say('hello')).toBe('hello')
    await expect(run('a', { fail: 'no such thing' })).rejects.toThrow(/^no such thing$/)
    await expect(run('a', { refuse: 'nothing' })).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT', message: 'nothing' })
  })

  it('of a kind wait for one that never ends until it has had its time, those of other kinds do not', async () => {
    const { run, say, done, expire } = start()
    const endless = run('a', 'never end')
    const behind = say('behind it')
    expect(await say('beside it', 1, 'b')).toBe('beside it')
    expect(done).toEqual(['beside it'])
    const refused = expect(endless).rejects.toThrow('it took more than 10 s')
    await expire()
    await refused
    expect(await behind).toBe('behind it')
  })

  it.each(['exit', 'fill memory'] as const)('fail alone when they end their thread (%s)', async (deadly) => {
    const { run, say } = start()
    const failed = expect(run('a', deadly)).rejects.toThrow(/^(it ended the thread|the thread died of it: )/)
    const others = Array.from({ length: 5 }, (_, i) => say(`${i}`))
    await failed
    expect(await Promise.all(others)).toEqual(['0', '1', '2', '3', '4'])
  })

  it('go before longer ones, but not for ever', async () => {
    const { hold, say, done } = start()
    const { letGo } = hold('a')
    const all = [say('long', 1_000), ...Array.from({ length: 20 }, (_, i) => say(`${i}`, 10)), say('short', 1)]
    await letGo()
    await Promise.all(all)
    const at = done.indexOf('long')
    expect(done.slice(0, 2)).toEqual(['waited', 'short'])
    expect([at > 10, at < done.length - 1]).toEqual([true, true])
  })

  it('end with DRAINING when the node stops, also those that would never end', async () => {
    const { threads, run, say } = start()
    const all = [run('a', 'never end'), say('behind it')].map((job) => expect(job).rejects.toMatchObject({ code: 'DRAINING' }))
    await threads.close()
    await threads.close()
    await Promise.all(all)
    await expect(say('late')).rejects.toMatchObject({ code: 'DRAINING' })
  })
})
