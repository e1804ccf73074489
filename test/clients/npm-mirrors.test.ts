import { describe, expect, it } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { answer, json, serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { integrityOf, packumentText, parsed, scripted } from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const BYTES = Buffer.from('an archive')

function mirrorOf(name: string, path: string, ...upstreams: string[]): MirrorConfig {
  return { name, protocol: 'npm', path, upstreams: upstreams.map((base) => new URL(base).href), local: false }
}

describe('two mirrors of one registry', () => {
  it('share what was fetched, and each names itself in what it serves', async () => {
    const upstream = await scripted()
    const base = `${upstream.origin}/registry/npm/`
    const dist = { integrity: integrityOf(BYTES), tarball: `${base}thing/-/thing-1.0.0.tgz` }
    upstream.on('/registry/npm/thing', serve(packumentText('thing', [['1.0.0', dist]])))
    upstream.on('/registry/npm/thing/-/thing-1.0.0.tgz', serve(BYTES))
    const mirrors = [mirrorOf('npm', '/npm/', base), mirrorOf('corp', '/team/npm-corp/', base)]
    const { url, status } = await startNode({ data: temp.create('data'), upstream: base, mirrors })
    const tags = new Set<unknown>()
    for (const { path } of mirrors) {
      const document = await exchange(`${url}${path}thing`)
      expect(document.body.toString()).toContain(`"tarball":"${url}${path}thing/-/thing-1.0.0.tgz"`)
      tags.add(document.headers.etag)
      expect((await exchange(`${url}${path}thing/-/thing-1.0.0.tgz`)).body.equals(BYTES)).toBe(true)
      await eventually('it is kept', async () => (await status()).store.blobs === 2)
    }
    expect([tags.size, upstream.tally.total.requests]).toEqual([2, 2])
  })
})

describe('a mirror of two registries', () => {
  async function nodeBeforeTwo() {
    const [first, second] = [await scripted(), await scripted()]
    const mirrors = [mirrorOf('npm', '/npm/', first.origin, second.origin)]
    const node = await startNode({ data: temp.create('data'), upstream: first.origin, mirrors })
    const integrity = integrityOf(BYTES)
    second.on('/thing/1.0.0', json({ name: 'thing', version: '1.0.0', dist: { integrity } }))
    second.on('/thing', serve(packumentText('thing', [['1.0.0', { integrity }]])))
    second.on('/thing/-/thing-1.0.0.tgz', serve(BYTES))
    return { first, second, ...node }
  }

  it('asks the second where the first has no such thing, for documents and for tarballs', async () => {
    const { npm, first, status } = await nodeBeforeTwo()
    expect(parsed(await exchange(`${npm}thing`)).name).toBe('thing')
    expect((await exchange(`${npm}thing/-/thing-1.0.0.tgz`)).body.equals(BYTES)).toBe(true)
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    // Once for each variant: the first one's «no» is remembered.
    expect(first.count('/thing')).toBe(2)
  })

  it.each([
    ['in trouble', 500, 503],
    ['not for us', 403, 403],
  ])('never asks the second while the first is %s: its name may be private', async (_, code, status) => {
    const { npm, first, second } = await nodeBeforeTwo()
    first.on(/./, answer(code))
    for (const path of ['thing', 'thing/1.0.0', 'thing/-/thing-1.0.0.tgz']) {
      expect((await exchange(npm + path)).status).toBe(status)
    }
    expect(second.tally.total.requests).toBe(0)
  })

  it('does not take the second’s word for what the first serves', async () => {
    const node = await nodeBeforeTwo()
    const { npm, first, second } = node
    first.on('/thing/-/thing-1.0.0.tgz', serve('another archive'))
    const reply = await exchange(`${npm}thing/-/thing-1.0.0.tgz`)
    expect([reply.status, reply.body.toString()]).toEqual([200, 'another archive'])
    expect([second.tally.total.requests, (await storeAtRest(node)).blobs]).toEqual([0, 0])
  })
})
