import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { json, serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { errorOf, INSTALL_ACCEPT, integrityOf, nodeBeforeScript, packumentText } from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const INSTALL = { accept: INSTALL_ACCEPT }
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('a mirror with tarballUrls: preserve', () => {
  it('gives documents byte for byte as upstream sent them, and verifies tarballs by them all the same', async (context) => {
    const registry = new SyntheticRegistry({ packages: 4 })
    const replay = await new ReplayUpstream(registry.recording).start()
    context.onTestFinished(() => replay.stop())
    const upstreams = [new URL(replay.url).href]
    const npm: MirrorConfig = { name: 'npm', protocol: 'npm', path: '/npm/', upstreams, local: false, tarballUrls: 'preserve' }
    const rewriting: MirrorConfig = { ...npm, name: 'npm-two', path: '/npm-two/', tarballUrls: 'rewrite' }
    const node = await startNode({ data: temp.create('data'), upstream: replay.url, mirrors: [npm, rewriting] })
    const { url } = node

    const original = await exchange(`${upstreams[0]}part-0`, { headers: INSTALL })
    const preserved = await exchange(`${url}/npm/part-0`, { headers: INSTALL })
    expect([preserved.status, sha256(preserved.body)]).toEqual([200, sha256(original.body)])

    // Both mirrors have the same upstream and so the same stored document: what one makes of it must not reach the other.
    const rewritten = await exchange(`${url}/npm-two/part-0`, { headers: INSTALL })
    expect(rewritten.body.toString()).toContain(`"${url}/npm-two/part-0/-/`)
    expect(rewritten.headers.etag).not.toBe(preserved.headers.etag)
    const again = await exchange(`${url}/npm/part-0`, {
      headers: { ...INSTALL, 'if-none-match': rewritten.headers.etag ?? '' },
    })
    expect([again.status, sha256(again.body)]).toEqual([200, sha256(original.body)])
    const known = await exchange(`${url}/npm/part-0`, {
      headers: { ...INSTALL, 'if-none-match': preserved.headers.etag ?? '' },
    })
    expect(known.status).toBe(304)

    const { tarball = '', archive = Buffer.alloc(0) } = registry.latest[0] ?? {}
    const ask = () => exchange(`${url}/npm${tarball.replace(/^\/?/, '/')}`)
    const file = await ask()
    expect([file.status, file.body.equals(archive)]).toEqual([200, true])
    await storeAtRest(node)
    const kept = await ask()
    expect([kept.body.equals(archive), kept.headers.etag?.slice(0, 8)]).toEqual([true, '"sha512:'])
  })
})

describe('a document that is another one than was asked for', () => {
  it('is trouble, is not kept, and does not take the place of a good one', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    const dist = { integrity: integrityOf(Buffer.from('x')), tarball: `${upstream.origin}/good/-/good-1.0.0.tgz` }
    const good = packumentText('good', [['1.0.0', dist]])
    const other = packumentText('other', [['1.0.0', dist]])
    const document = (text: string) => serve(Buffer.from(text), { 'content-type': 'application/json' })
    upstream.on('/bad', document(other))
    upstream.on('/bad/1.0.0', json({ name: 'other', version: '1.0.0', dist }))
    upstream.on('/good', document(good), document(other))
    for (const path of ['bad', 'bad/1.0.0']) {
      const reply = await exchange(npm + path)
      expect([reply.status, reply.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_CORRUPT'])
      expect(errorOf(reply)).toContain('another document than the one asked for')
    }
    expect((await exchange(`${npm}good`)).status).toBe(200)
    const refreshed = await exchange(`${npm}good`, { headers: { 'cache-control': 'no-cache' } })
    expect([refreshed.status, JSON.parse(refreshed.body.toString()).name]).toEqual([200, 'good'])
  })
})
