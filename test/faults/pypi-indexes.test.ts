import { describe, expect, it } from 'vitest'
import { answer, serve } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { JSON_TYPE, PIP_ACCEPT, pageOf, pypiMirror, scriptedIndex, urlOf } from '../harness/scripted-pypi-node.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'

useLeakCheck()
const temp = useTempFolders()

describe('two indexes', () => {
  it('with the same file name and other bytes never give one for the other', async () => {
    const [one, other] = [await scriptedIndex(), await scriptedIndex()]
    const first = one.publish({ name: 'same', version: '1.0', filler: Buffer.alloc(5000, 1) })
    const second = other.publish({ name: 'same', version: '1.0', filler: Buffer.alloc(5000, 2) })
    const mirrors = [pypiMirror([one.base]), pypiMirror([other.base], { name: 'corp', path: '/corp/' })]
    const { url } = await startNode({ data: temp.create('data'), upstream: one.origin, mirrors })
    const nodes = [{ simple: `${url}/pypi/simple/` }, { simple: `${url}/corp/simple/` }]
    for (const [i, bytes] of [first.bytes, second.bytes].entries()) {
      const reply = await exchange(await urlOf(nodes[i] as { simple: string }, 'same'))
      expect(reply.body.equals(bytes)).toBe(true)
    }
    const crossed = (await urlOf(nodes[0] as { simple: string }, 'same')).replace('/pypi/', '/corp/')
    // Its digest is known here, and its name there, but no page has both.
    expect((await exchange(crossed)).status).toBe(404)
  })

  it('of one mirror are asked in order, the second only for what the first has not', async () => {
    const [one, other] = [await scriptedIndex(), await scriptedIndex()]
    one.publish({ name: 'ours', version: '1.0' })
    const { bytes } = other.publish({ name: 'theirs', version: '1.0' })
    const { url } = await startNode({
      data: temp.create('data'),
      upstream: one.origin,
      mirrors: [pypiMirror([one.base, other.base])],
    })
    const node = { simple: `${url}/pypi/simple/` }
    expect((await exchange(await urlOf(node, 'ours'))).status).toBe(200)
    expect(other.tally.total.requests).toBe(0)
    expect((await exchange(await urlOf(node, 'theirs'))).body.equals(bytes)).toBe(true)
    one.fail(/./, instead(answer(500)))
    expect((await pageOf(node, 'elsewhere')).reply.status).toBe(503)
    expect(other.tally.path('/simple/elsewhere/').requests).toBe(0)
  })

  it('with a name bound to one of them never tell the other of it', async () => {
    const [ours, open] = [await scriptedIndex(), await scriptedIndex()]
    open.publish({ name: 'corp-secret', version: '99.0' })
    const { url } = await startNode({
      data: temp.create('data'),
      upstream: open.origin,
      mirrors: [pypiMirror([ours.base, open.base], { routes: [{ pattern: 'corp-*', upstream: ours.base }] })],
    })
    const node = { simple: `${url}/pypi/simple/` }
    expect((await pageOf(node, 'corp-secret')).reply.status).toBe(404)
    expect((await exchange(`${url}/pypi/files/corp-secret/-/corp_secret-99.0-py3-none-any.whl`)).status).toBe(404)
    expect((await exchange(`${url}/pypi/simple/Corp.Secret/`)).headers.location).toBe('../corp-secret/')
    expect(open.tally.total.requests).toBe(0)
  })
})

describe('a page without a title', () => {
  it('has its files below its own name, and they are asked of its own index, whatever they are called', async () => {
    const [ours, open] = [await scriptedIndex(), await scriptedIndex()]
    const { file } = open.publish({ name: 'vendor-tool', version: '1.0' })
    const { bytes } = ours.publish({ name: 'vendor-tool', version: '1.0', filler: Buffer.alloc(100) })
    const [own] = ours.projects.get('vendor-tool')?.values() ?? []
    if (!own) throw new Error('there is no file')
    const page = `<a href="${ours.pathOf(own)}">${file}</a>`
    ours.fail(/^\/simple\/corp-lib\/$/, instead(serve(page, { 'content-type': 'text/html' })))
    const { url } = await startNode({
      data: temp.create('data'),
      upstream: open.origin,
      mirrors: [pypiMirror([open.base], { routes: [{ pattern: 'corp-*', upstream: ours.base }] })],
    })
    for (const accept of [PIP_ACCEPT, 'text/html', JSON_TYPE]) {
      const { reply } = await pageOf({ simple: `${url}/pypi/simple/` }, 'corp-lib', accept)
      expect(reply.body.toString()).toContain(`"${url}/pypi/files/corp-lib/-/${file}"`)
    }
    const reply = await exchange(`${url}/pypi/files/corp-lib/-/${file}`)
    expect([reply.status, reply.body.equals(bytes), open.tally.total.requests]).toEqual([200, true, 0])
  })
})

describe('a member of a mesh', () => {
  it('has a file from another one by its digest, though the index is gone, if a page that it holds names both', async () => {
    const index = await scriptedIndex()
    const { bytes } = index.publish({ name: 'shared', version: '1.0', filler: new Random(7).bytes(700_000) })
    const init = { upstream: index.origin, mirrors: [pypiMirror([index.base])] }
    const mesh = await TestMesh.create(temp, init)
    const second = await mesh.join(init)
    index.publish({ name: 'other', version: '1.0' })
    const url = await urlOf({ simple: `${mesh.seed.url}/pypi/simple/` }, 'shared')
    await exchange(url)
    await storeAtRest(mesh.seed)
    const own = { simple: `${second.url}/pypi/simple/` }
    const here = await urlOf(own, 'shared')
    await pageOf(own, 'other')
    expect((await exchange(here.replace('/files/shared/', '/files/other/'))).status).toBe(404)
    await index.gone()
    const reply = await exchange(here)
    expect([reply.status, reply.body.equals(bytes), reply.headers['x-warren-source']]).toEqual([200, true, 'seed'])
  })
})
