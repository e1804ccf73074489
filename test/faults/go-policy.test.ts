import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { answer, serve } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

const DAY = 86_400_000

useLeakCheck()
const temp = useTempFolders()

/** A node in front of a proxy with versions of `ex.test/Big/A`, the newest of them of today. */
async function nodeWith(policy: Partial<Config['policy']>) {
  const upstream = await new ScriptedGo().start()
  onTestFinished(() => upstream.stop())
  const ages = { 'v1.0.0': 100, 'v1.1.0': 50, 'v1.2.0': 0 }
  for (const [version, days] of Object.entries(ages))
    upstream.publish('ex.test/Big/A', version, { time: new Date(Date.now() - days * DAY).toISOString() })
  upstream.answer('ex.test/!big/!a/@latest', serve(`{"Version":"v1.2.0","Time":"${new Date().toISOString()}"}`))
  const mirror = { name: 'go', protocol: 'go', path: '/go/', upstreams: [upstream.url], sumdb: upstream.sumdb, local: false }
  const node = await startNode({
    data: temp.create('data'),
    upstream: upstream.url,
    mirrors: [mirror],
    config: { policy: { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [], ...policy } },
  })
  return { upstream, get: (path: string) => exchange(`${node.url}/go/ex.test/!big/!a/${path}`) }
}

/** What the go command shows of a denial, which it takes for the last word: a 404 would send it to the code's own repository. */
function denied(reply: Reply): string {
  expect([reply.status, reply.headers['content-type']]).toEqual([403, 'text/plain; charset=utf-8'])
  return reply.body.toString()
}

describe('a version that is denied', () => {
  it('is neither listed nor given out, but its go.mod is, which other versions need', async () => {
    const { get, upstream } = await nodeWith({ deny: ['pkg:golang/ex.test/Big/A@>=1.2'] })
    expect((await get('@v/list')).body.toString()).toBe('v1.0.0\nv1.1.0\n')
    for (const path of ['@v/v1.2.0.info', '@v/v1.2.0.zip', '@latest']) expect(denied(await get(path))).toContain('pkg:golang')
    for (const path of ['@v/v1.2.0.mod', '@v/v1.1.0.info', '@v/v1.1.0.zip']) expect((await get(path)).status).toBe(200)
    expect(upstream.tally.path('/ex.test/!big/!a/@v/v1.2.0.zip').requests).toBe(0)
  })

  it('is every one of a module that is denied as a whole', async () => {
    const { get, upstream } = await nodeWith({ deny: ['pkg:golang/ex.test/*'] })
    for (const path of ['@v/list', '@latest', '@v/v1.0.0.info', '@v/v1.0.0.mod', '@v/v1.0.0.zip']) denied(await get(path))
    expect(upstream.tally.total.requests).toBe(0)
  })
})

describe('a version that is too young', () => {
  it('is not given out, by the time in its info', async () => {
    const { get } = await nodeWith({ minimumAge: { golang: 3 * DAY } })
    for (const path of ['@v/v1.2.0.info', '@v/v1.2.0.zip', '@latest']) denied(await get(path))
    for (const path of ['@v/v1.2.0.mod', '@v/v1.1.0.info', '@v/v1.1.0.zip']) expect((await get(path)).status).toBe(200)
  })

  it('is not listed, so that clients choose the newest one that they get, which costs a question for each that is newer', async () => {
    const { get, upstream } = await nodeWith({ minimumAge: { golang: 3 * DAY } })
    expect((await get('@v/list')).body.toString()).toBe('v1.0.0\nv1.1.0\n')
    const infos = upstream.tally.log.filter(({ kind }) => kind === 'info').map(({ path }) => path.split('/').at(-1))
    expect(infos).toEqual(['v1.2.0.info', 'v1.1.0.info'])
  })

  it('is listed while nothing tells how old it is, and denied', async () => {
    const { get, upstream } = await nodeWith({ minimumAge: { golang: 3 * DAY } })
    upstream.fail(/v1\.2\.0\.info$/, instead(answer(400, 'trouble')))
    expect((await get('@v/list')).body.toString()).toBe('v1.0.0\nv1.1.0\nv1.2.0\n')
    expect((await get('@v/v1.2.0.zip')).status).toBe(503)
  })
})
