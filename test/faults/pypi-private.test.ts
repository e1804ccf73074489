import { describe, expect, it } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { Secret } from '../../node/secret.ts'
import { answer } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { ScriptedIndex } from '../harness/scripted-pypi.ts'
import { nodeBeforeIndex, pageOf, pypiMirror, scriptedIndex, urlOf } from '../harness/scripted-pypi-node.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'

const LOGIN = `Basic ${Buffer.from('ann:hunter2').toString('base64')}`

useLeakCheck()
const temp = useTempFolders()

/** An index that only `ann` may read, and the login of a node that is hers. */
async function privateIndex(): Promise<{ index: ScriptedIndex; config: Partial<Config> }> {
  const index = await scriptedIndex()
  const challenge = { 'www-authenticate': 'Basic realm="pypi"' }
  index.fail(({ headers }) => headers.authorization !== LOGIN, instead(answer(401, 'who are you?', challenge)))
  const login = { username: 'ann', password: new Secret('hunter2') }
  return { index, config: { credentials: [{ origin: index.origin, ...login }] } }
}

describe('an index with a login', () => {
  it('is read by the node that has it, whose credentials go to no file host', async () => {
    const { index, config } = await privateIndex()
    const store = await scriptedIndex()
    const { bytes } = index.publish({ name: 'secret', version: '1.0' })
    store.publish({ name: 'secret', version: '1.0' })
    const node = await nodeBeforeIndex(temp, { index, config })
    expect((await exchange(await urlOf(node, 'secret'))).body.equals(bytes)).toBe(true)
    index.publish({ name: 'secret', version: '2.0', filler: Buffer.alloc(10) })
    index.fileOrigin = store.origin
    const other = await nodeBeforeIndex(temp, { index, config })
    expect((await exchange(await urlOf(other, 'secret'))).status).toBe(200)
    expect(store.tally.log.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  it('has its packages on no other member, by page or by digest', async () => {
    const { index, config } = await privateIndex()
    index.publish({ name: 'secret', version: '1.0' })
    const init = { upstream: index.origin, mirrors: [pypiMirror([index.base])] }
    const mesh = await TestMesh.create(temp, { ...init, config })
    const other = await mesh.join(init)
    const url = await urlOf({ simple: `${mesh.seed.url}/pypi/simple/` }, 'secret')
    for (const path of [url, `${url}.metadata`]) expect((await exchange(path)).status).toBe(200)
    await storeAtRest(mesh.seed)
    expect((await pageOf({ simple: `${other.url}/pypi/simple/` }, 'secret')).reply.status).toBe(403)
    const elsewhere = new URL(new URL(url).pathname, other.url).href
    for (const path of [elsewhere, `${elsewhere}.metadata`]) expect((await exchange(path)).status).toBe(403)
    const { requests } = await other.status()
    expect([requests.seed, requests.peer]).toEqual([0, 0])
  })
})

describe('a node in front of a node', () => {
  it('hands on pages, metadata and files, with its own URLs', async () => {
    const inner = await nodeBeforeIndex(temp)
    const { bytes, metadata } = inner.index.publish({ name: 'thing', version: '1.0' })
    const outer = await nodeBeforeIndex(temp, { index: inner.index, mirror: { upstreams: [inner.simple] } })
    const url = await urlOf(outer, 'thing')
    expect(url.startsWith(`${outer.url}/pypi/files/`)).toBe(true)
    expect((await exchange(url)).body.equals(bytes)).toBe(true)
    expect((await exchange(`${url}.metadata`)).body.equals(metadata)).toBe(true)
    const html = await exchange(`${outer.simple}thing/`)
    expect([html.headers['content-type'], html.body.toString()]).toEqual([
      'text/html; charset=utf-8',
      expect.stringContaining(url),
    ])
  })
})
