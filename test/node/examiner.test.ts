import { expect, test } from 'vitest'
import { answer } from '../harness/answer.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { filesMirror, started } from '../harness/scripted-files.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'

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
  const upstream = await started(new ScriptedUpstream())
  const node = await startNode({ data: temp.create(), upstream: upstream.origin })
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  upstream.on('/', async () => {
    await gate
    return answer(200)
  })
  const asked = [node.examine(), node.examine()]
  await expect.poll(() => upstream.count('/')).toBe(1)
  release()
  const [one, other] = await Promise.all(asked)
  expect(other).toEqual(one)
  expect(upstream.count('/')).toBe(1)
  await node.examine()
  expect(upstream.count('/')).toBe(2)
})

test('a member knows how its clock and its ledger stand', async () => {
  const upstream = await started(new ScriptedUpstream())
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin })
  const member = await mesh.join({ upstream: upstream.origin })
  await expect.poll(async () => (await member.examine()).clock.aheadOfPeers).not.toBeNull()
  const { clock, ledger } = await member.examine()
  expect(Math.abs(clock.aheadOfPeers ?? HOUR)).toBeLessThan(60_000)
  expect(ledger?.ops).toBe(0)
})
