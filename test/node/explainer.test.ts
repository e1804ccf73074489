import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { targetsNamed } from '../../admin/cli/explain/targets.ts'
import { Mirrors } from '../../admin/cli/get/mirrors.ts'
import { Progress } from '../../admin/cli/images/progress.ts'
import { json, serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const BYTES = Buffer.from('what is in the package')
const PATH = '/thing/-/thing-1.0.0.tgz'

async function start() {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  const integrity = `sha512-${createHash('sha512').update(BYTES).digest('base64')}`
  const version = { name: 'thing', version: '1.0.0', dist: { integrity, tarball: upstream.origin + PATH } }
  upstream.on('/thing', json({ name: 'thing', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }))
  upstream.on('/thing/1.0.0', json(version))
  upstream.on(PATH, serve(BYTES))
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin })
  const member = await mesh.join({ upstream: upstream.origin })
  return { upstream, mesh, member }
}

test('says where a file would come from, from the beginning until this node has it', async () => {
  const { upstream, mesh, member } = await start()
  const key = `/npm${PATH}`
  const before = await member.explain(key)
  expect(before).toMatchObject({
    source: 'seed',
    held: null,
    members: [],
    seeds: [mesh.seed.peer],
    mirror: 'npm',
    kind: 'immutable',
  })
  expect(before.why).toMatch(/^its digest is not known yet, .* its home seed \S+ is asked/)

  await exchange(mesh.seed.npm.slice(0, -1) + PATH)
  await storeAtRest(mesh.seed)
  await exchange(`${member.npm}thing`)
  const asked = upstream.tally.total.requests
  const there = await eventually('the member has heard of it', async () => {
    const now = await member.explain(key)
    return now.members.length > 0 && now
  })
  expect(there).toMatchObject({
    source: 'seed',
    why: `seed ${mesh.seed.peer} says that it has it`,
    members: [{ id: mesh.seed.peer, role: 'seed', by: 'inventory', excluded: null }],
    coversAll: true,
  })
  const absent = await member.explain(`sha256:${'0'.repeat(64)}`)
  expect(absent).toMatchObject({ source: 'nowhere', members: [], coversAll: true, headStart: 0 })
  expect(upstream.tally.total.requests).toBe(asked)

  await exchange(member.npm.slice(0, -1) + PATH)
  await storeAtRest(member)
  expect(await member.explain(key)).toMatchObject({
    source: 'local',
    held: { size: BYTES.length, private: false, stale: false },
  })
})

test('the files of a package are found by its name, and none of them is fetched', async () => {
  const { upstream, member } = await start()
  const mirrors = new Mirrors({ base: member.url, mirrors: (await member.status()).mirrors, named: [] })
  const init = { mirrors, progress: new Progress(new PassThrough()) }
  expect(await targetsNamed('pkg:npm/thing@1.0.0', init)).toEqual([`/npm${PATH}`])
  expect(await targetsNamed('alpine:3.20', init)).toEqual(['/v2/library/alpine/manifests/3.20?ns=docker.io'])
  expect(upstream.count(PATH)).toBe(0)
})
