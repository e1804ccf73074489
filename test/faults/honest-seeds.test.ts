import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { json, serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { started } from '../harness/scripted-files.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'

useLeakCheck()
const temp = useTempFolders()

const random = new Random(3)
const DOCUMENT = '/changed'
const TARBALL = '/changed/-/changed-1.0.0.tgz'

it('a seed that got other documents from a lying upstream than a member is not blamed for what it then sends', async () => {
  const upstream = await started(new ScriptedUpstream())
  const publish = (bytes: Buffer) => {
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    const dist = { integrity, tarball: upstream.origin + TARBALL }
    const versions = { '1.0.0': { name: 'changed', version: '1.0.0', dist } }
    upstream.on(DOCUMENT, json({ name: 'changed', 'dist-tags': { latest: '1.0.0' }, versions }))
    upstream.on(TARBALL, serve(bytes))
  }
  const clock = new ShiftedClock()
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin, overrides: { clock } })
  const member = await mesh.join({ upstream: upstream.origin })
  publish(random.bytes(30_000))
  expect((await exchange(member.npm + DOCUMENT.slice(1))).headers['x-warren-source']).toBe('seed')
  const another = random.bytes(30_000)
  publish(another)
  clock.pass(60_000)
  await exchange(mesh.seed.npm + DOCUMENT.slice(1), { headers: { 'cache-control': 'no-cache' } })
  expect((await exchange(mesh.seed.npm + TARBALL.slice(1))).body.equals(another)).toBe(true)
  await storeAtRest(mesh.seed)
  expect((await exchange(member.npm + TARBALL.slice(1))).status).toBe(503)
  const [known] = await member.peers()
  expect(known).toMatchObject({ id: mesh.seed.peer, role: 'seed', quarantine: null })
})
