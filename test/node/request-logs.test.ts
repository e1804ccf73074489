import { pino } from 'pino'
import { expect, test } from 'vitest'
import { requestFields } from '../../node/log.ts'
import { json, serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { started } from '../harness/scripted-files.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

interface Line {
  readonly msg: string
  readonly request?: string
}

/** A log as a node makes it, kept in memory. */
function recorded(level = 'debug') {
  const lines: Line[] = []
  const log = pino({ level, mixin: requestFields }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { lines, log }
}

const SHASUM = '0'.repeat(40)

/** A registry with a package whose tarball is not what its document says. */
async function lyingRegistry() {
  const upstream = await started(new ScriptedUpstream())
  const dist = { shasum: SHASUM, tarball: `${upstream.origin}/liar/-/liar-1.0.0.tgz` }
  const version = { name: 'liar', version: '1.0.0', dist }
  upstream.on('/liar', json({ name: 'liar', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }))
  upstream.on('/liar/1.0.0', json(version))
  upstream.on('/liar/-/liar-1.0.0.tgz', serve(Buffer.alloc(1_000, 'x')))
  return upstream
}

test('all that a node logs about a request has the name that the client gave it, and a refusal tells it', async () => {
  const upstream = await lyingRegistry()
  const { lines, log } = recorded()
  const { npm } = await startNode({ data: temp.create(), upstream: upstream.origin, overrides: { log } })
  const reply = await exchange(`${npm}liar/-/liar-1.0.0.tgz`, { headers: { 'x-request-id': 'ci-42' } })
  expect([reply.status, reply.headers['x-request-id']]).toEqual([503, 'ci-42'])
  await exchange(`${npm}liar`, { headers: { 'x-request-id': 'ci-43' } })
  await eventually('both requests are told of', async () => lines.some(({ request }) => request === 'ci-43'))
  const about = lines.filter(({ request }) => request === 'ci-42').map(({ msg }) => msg)
  expect(about.filter((msg) => msg.startsWith('not kept')).length).toBeGreaterThan(0)
  expect(about.length).toBeGreaterThan(1)
  expect(lines.filter(({ msg }) => msg === 'served').map(({ request }) => request)).toEqual(['ci-43'])
  expect(lines.filter(({ msg }) => /checksum|sha1|not kept/.test(msg)).every(({ request }) => request === 'ci-42')).toBe(true)
})

test('a refusal without a name is told under one, in the answer and in the log', async () => {
  const { lines, log } = recorded()
  const { url } = await startNode({ data: temp.create(), upstream: 'http://127.0.0.1:1/', overrides: { log } })
  const reply = await exchange(`${url}/npm/thing`, { headers: { 'x-request-id': 'two words' } })
  const name = reply.headers['x-request-id']
  expect([reply.status, name]).toEqual([503, expect.stringMatching(/^[0-9a-f]{8}-[0-9a-z]+$/)])
  expect(lines.find(({ msg }) => msg !== 'ready' && msg.includes('127.0.0.1:1'))).toMatchObject({ request: name })
})

test('a request is followed to the seed that fetches for it, and upstream hears nothing of its name', async () => {
  const upstream = await lyingRegistry()
  const [atSeed, atMember] = [recorded(), recorded()]
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin, overrides: { log: atSeed.log } })
  const member = await mesh.join({ upstream: upstream.origin, overrides: { log: atMember.log } })
  const reply = await exchange(`${member.npm}liar/-/liar-1.0.0.tgz`, { headers: { 'x-request-id': 'ci-44' } })
  expect(reply.status).toBe(503)
  const told = (lines: readonly Line[]) => lines.filter(({ msg }) => msg.startsWith('not kept')).map(({ request }) => request)
  expect(told(atSeed.lines)).toContain('ci-44')
  expect(new Set(told([...atSeed.lines, ...atMember.lines]))).toEqual(new Set(['ci-44']))
  expect(upstream.tally.log.length).toBeGreaterThan(0)
  expect(upstream.tally.log.filter(({ headers }) => 'x-request-id' in headers)).toEqual([])
})
