import { expect, test } from 'vitest'
import { systemClock } from '../../node/clock.ts'
import { WarrenError } from '../../node/errors.ts'
import { Examiner } from '../../node/examiner.ts'
import { answer } from '../harness/answer.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { filesMirror, started } from '../harness/scripted-files.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()
const HOUR = 3_600_000
const DEAD = 'http://127.0.0.1:1/'

const dated = (ahead: number) => answer(404, 'nothing here', { date: new Date(Date.now() + ahead).toUTCString() })

test('each upstream is asked once, as the node asks it, whatever stands there', async () => {
  const upstream = await started(new ScriptedUpstream())
  upstream.on(/^\/base\//, answer(401, 'who?'))
  const base = `${upstream.origin}/base/`
  const node = await startNode({
    data: temp.create(),
    upstream: upstream.origin,
    mirrors: [
      filesMirror(base),
      filesMirror(base, { name: 'more', path: '/raw/more/' }),
      filesMirror(DEAD, { name: 'dead', path: '/raw/dead/', routes: [{ pattern: 'x*', upstream: base }] }),
    ],
  })
  const { upstreams, process: own, ledger } = await node.examine()
  expect(upstreams).toMatchObject([
    { url: base, mirrors: ['files', 'more', 'dead'], reachable: true, status: 401, problem: expect.stringContaining('login') },
    { url: DEAD, mirrors: ['dead'], reachable: false, status: null, problem: expect.stringContaining('127.0.0.1:1') },
  ])
  expect(upstream.tally.log.map(({ path }) => path)).toEqual(['/base/'])
  expect(own.user?.id).toBe(process.geteuid?.())
  expect(ledger).toBeNull()
})

test('of the clocks of upstreams the median counts, so that one that is wrong moves it by little', async () => {
  const upstream = await started(new ScriptedUpstream())
  upstream.on('/a/', dated(HOUR))
  upstream.on('/b/', dated(HOUR))
  upstream.on('/c/', dated(1_000 * HOUR))
  // A date that a cache has kept.
  for (const name of ['/d/', '/e/', '/f/']) upstream.on(name, answer(200, '', { date: new Date(0).toUTCString(), age: '90' }))
  const mirrors = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
    filesMirror(`${upstream.origin}/${name}/`, { name, path: `/raw/${name}/` }),
  )
  const node = await startNode({ data: temp.create(), upstream: upstream.origin, mirrors })
  const { clock } = await node.examine()
  expect(Math.abs((clock.aheadOfUpstreams ?? 0) + HOUR)).toBeLessThan(60_000)
  expect(clock.aheadOfPeers).toBeNull()
})

test('all who ask at once get one answer', async () => {
  let asked = 0
  const fetch = () => {
    asked++
    return Promise.reject(new WarrenError('UPSTREAM_UNREACHABLE', 'no way there'))
  }
  const mirrors = () => [filesMirror('http://files.test/')]
  const examiner = new Examiner(
    { upstream: { fetch }, ledger: () => undefined, mirrors, clock: systemClock },
    { names: 'members' },
  )
  const { signal } = new AbortController()
  const [one, other] = await Promise.all([examiner.examine(signal), examiner.examine(signal)])
  expect(other).toBe(one)
  expect(asked).toBe(1)
  expect(one.upstreams).toMatchObject([{ reachable: false, problem: 'no way there' }])
  expect(one.names).toBe('members')
  await examiner.examine(signal)
  expect(asked).toBe(2)
})

test('a member knows how its clock and its ledger stand', async () => {
  const upstream = await started(new ScriptedUpstream())
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin })
  const member = await mesh.join({ upstream: upstream.origin })
  const { clock, ledger } = await eventually('somebody told the time', async () => {
    const found = await member.examine()
    return found.clock.aheadOfPeers !== null && found
  })
  expect(Math.abs(clock.aheadOfPeers ?? HOUR)).toBeLessThan(60_000)
  expect(ledger?.ops).toBe(0)
})
