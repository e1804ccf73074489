import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../node/clock.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { answer, captivePortal, serve } from '../harness/answer.ts'
import { chunked, cutAfter, type Fault, flip, instead } from '../harness/fault.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { h1Of, makeZip } from '../harness/scripted-go-zip.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { startGo } from './go-node.ts'

useLeakCheck()
const temp = useTempFolders()

const start = (more: Partial<MirrorConfig> = {}, clock?: Clock) => startGo({ data: temp.create('data'), more, clock })
const text = ({ body }: Reply) => body.toString()
const LARGE = { 'data.txt': 'x'.repeat(500_000) }
const ZIP = 'ex.test/a/@v/v1.0.0.zip'
const MOD = 'ex.test/a/@v/v1.0.0.mod'
const stored = { stored: true }

describe('names', () => {
  it('have one copy for all spellings', async () => {
    const { upstream, get } = await start()
    const { zip } = upstream.publish('ex.test/Big/A', 'v1.0.0-RC1')
    for (const path of ['ex.test/!big/!a/@v/v1.0.0-!r!c1.zip', 'ex.test/%21big/%21a/@v/v1.0.0-%21r%21c1.zip'])
      expect((await get(path)).body.equals(zip)).toBe(true)
    expect(upstream.tally.kind('zip').requests).toBe(1)
    const raw = await get('ex.test/Big/A/@v/list')
    expect([raw.status, raw.headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8'])
    expect(text(raw)).toMatch(/^«ex\.test\/Big\/A\/@v\/list» is no path .*«!» and the small letter.*\n$/)
  })

  it('of lists that are empty and of lists that are not there stay apart', async () => {
    const { upstream, get } = await start()
    upstream.publish('ex.test/untagged', 'v0.0.0-20200101000000-abcdefabcdef', { listed: false })
    for (const round of [1, 2]) {
      const empty = await get('ex.test/untagged/@v/list')
      expect([round, empty.status, text(empty)]).toEqual([round, 200, ''])
      const absent = await get('ex.test/@v/list')
      expect([absent.status, absent.headers['content-type']]).toEqual([404, 'text/plain; charset=utf-8'])
    }
    expect(upstream.tally.kind('list').requests).toBe(2)
  })

  it('that upstream denies, or says are gone, are denied and gone', async () => {
    const { upstream, get } = await start()
    for (const status of [403, 410]) {
      upstream.answer(`ex.test/no${status}/@v/list`, answer(status, 'no'))
      upstream.answer(`ex.test/no${status}/@v/v1.0.0.zip`, answer(status, 'no'))
      for (const end of ['list', 'v1.0.0.zip']) expect((await get(`ex.test/no${status}/@v/${end}`)).status).toBe(status)
    }
  })

  it('are absent for a moment only, so that what is tagged can be had', async () => {
    const clock = new ShiftedClock()
    const { upstream, get } = await start({}, clock)
    const late = { info: 10_000, mod: 10_000, zip: 10_000, list: 30_000 }
    for (const status of [404, 410]) {
      for (const [end, most] of Object.entries(late)) {
        const path = `ex.test/late${status}/@v/${end === 'list' ? end : `v1.0.0.${end}`}`
        upstream.answer(path, answer(status, 'not found: fetch timed out'))
        const statuses = [(await get(path)).status]
        upstream.publish(`ex.test/late${status}`, 'v1.0.0', { logged: end === 'zip' })
        if (end === 'list') upstream.answer(path, serve('v1.0.0\n'))
        clock.pass(most - 1_000)
        statuses.push((await get(path)).status)
        clock.pass(1_000)
        statuses.push((await get(path)).status)
        expect([path, ...statuses]).toEqual([path, status, status, 200])
      }
    }
  })

  it('of branches are asked for again after a minute, those of versions never', async () => {
    const clock = new ShiftedClock()
    const { upstream, get } = await start({}, clock)
    upstream.publish('ex.test/a', 'v1.0.0')
    upstream.answer('ex.test/a/@v/main.info', serve('{"Version":"v0.0.0-20200101000000-abcdefabcdef"}'))
    for (let i = 0; i < 3; i++) {
      for (const path of ['@v/main.info', '@v/v1.0.0.info']) expect((await get(`ex.test/a/${path}`)).status).toBe(200)
      clock.pass(200_000)
    }
    expect(upstream.tally.path('/ex.test/a/@v/v1.0.0.info').requests).toBe(1)
    expect(upstream.tally.path('/ex.test/a/@v/main.info').requests).toBe(3)
  })

  it('are no web pages', async () => {
    const { upstream, get } = await start()
    upstream.fail(/./, instead(captivePortal()))
    for (const path of ['ex.test/a/@v/list', 'ex.test/a/@latest', 'ex.test/a/@v/v1.0.0.info', MOD])
      expect([
        path,
        await get(path).then(
          ({ status }) => status,
          () => 503,
        ),
      ]).toEqual([path, 503])
  })

  it('that a route keeps for itself are never asked of upstream', async () => {
    const { upstream, get, db } = await start({ routes: [{ pattern: 'git.corp.test', upstream: undefined, levels: '/' }] })
    for (const path of [
      'git.corp.test/x/@v/list',
      'git.corp.test/@v/list',
      'git.corp.test/x/@v/v1.0.0.zip',
      `${db}lookup/git.corp.test/x@v1.0.0`,
    ]) {
      const reply = await get(path)
      expect([reply.status, text(reply)]).toEqual([404, expect.stringContaining('routes')])
    }
    expect(upstream.tally.total.requests).toBe(0)
  })

  it('that are to be cached only poison nobody else’s', async () => {
    const { upstream, get } = await start()
    const headers = { 'disable-module-fetch': 'true' }
    upstream.publish('ex.test/a', 'v1.0.0')
    upstream.fail(({ headers: sent }) => sent['disable-module-fetch'] === 'true', instead(answer(404, 'not cached')))
    expect((await get(ZIP, headers)).status).toBe(404)
    expect((await get(ZIP)).status).toBe(200)
    expect((await get(ZIP, headers)).status).toBe(404)
  })
})

describe('archives', () => {
  it('are taken however they are packed, with the h1 that the database has', async () => {
    const { upstream, get, node } = await start()
    upstream.publish('ex.test/a', 'v1.0.0', { files: LARGE })
    const files = Object.entries({ ...LARGE, 'go.mod': 'module ex.test/a\n\ngo 1.20\n\n' })
    const other = makeZip(files.map(([name, data]) => ({ name: `ex.test/a@v1.0.0/${name}`, data, stored: true })))
    upstream.answer(ZIP, serve(other))
    expect((await get(ZIP)).body.equals(other)).toBe(true)
    await storeAtRest(node)
    await upstream.gone()
    const held = await get(ZIP)
    expect(held.body.equals(other)).toBe(true)
    // A client may join parts by it: it must not name the other way of packing, too.
    expect(held.headers.etag).toBe(`"sha256:${createHash('sha256').update(other).digest('hex')}"`)
  })

  it.each<[string, (name: string) => Buffer]>([
    ['another prefix', () => makeZip([{ name: 'ex.test/b@v1.0.0/go.mod', data: 'module ex.test/a\n' }])],
    ['other files', (name) => makeZip([{ name: `${name}/go.mod`, data: 'module evil.test/a\n' }])],
    [
      'one file more',
      (name) =>
        makeZip([
          { name: `${name}/go.mod`, data: '' },
          { name: `${name}/a`, data: '' },
        ]),
    ],
    ['no archive', () => Buffer.from('PK\u0005\u0006 and nothing else')],
  ])('with %s are refused and not kept', async (_what, make) => {
    const { upstream, get, node } = await start()
    upstream.publish('ex.test/a', 'v1.0.0')
    upstream.answer(ZIP, serve(make('ex.test/a@v1.0.0')))
    const reply = await get(ZIP)
    // Nothing of something so small goes out before it is checked.
    expect([reply.complete, reply.status]).toEqual([true, 503])
    expect(text(reply)).toContain('has not the promised h1:')
    await storeAtRest(node)
    await upstream.gone()
    expect((await get(ZIP)).status).toBe(503)
  })

  it.each<[string, Fault[], resumes: boolean]>([
    ['a byte is wrong', [flip(400_000)], false],
    ['it is cut', [cutAfter(200_000, 'fin')], true],
    ['it comes in chunks and is cut', [chunked(), cutAfter(200_000, 'fin')], true],
  ])('are right or broken off where %s, and right the next time', async (_what, faults, resumes) => {
    const { upstream, get, node } = await start()
    const { zip } = upstream.publish('ex.test/a', 'v1.0.0', { files: LARGE, way: stored })
    for (const fault of faults) upstream.fail(/\.zip$/, fault, 1)
    // Where bytes went out already, the answer must not seem whole.
    const first = await get(ZIP)
    expect([first.complete, first.body.equals(zip)]).toEqual([resumes, resumes])
    await storeAtRest(node)
    expect((await get(ZIP)).body.equals(zip)).toBe(true)
    expect(upstream.tally.kind('zip').requests).toBe(2)
  })

  it('of toolchains go out while they come', async () => {
    const { upstream, node, db } = await start()
    const path = 'golang.test/toolchain/@v/v0.0.1-go1.22.0.linux-amd64.zip'
    const files = { 'bin/go': Buffer.alloc(20 << 20, 'go'), 'src/a.go': 'package a\n' }
    const { zip } = upstream.publish('golang.test/toolchain', 'v0.0.1-go1.22.0.linux-amd64', { files, way: stored })
    upstream.fail(/\.zip$/, (given) => ({ ...given, trouble: { stallAfter: 10 << 20 } }), 1)
    const response = await fetch(`${node.url}/go/${path}`)
    const reader = response.body?.getReader()
    let got = 0
    while (got < 1 << 20) got += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY
    expect([response.status, Number.isFinite(got)]).toEqual([200, true])
    // What stalls is resumed after a while.
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { done: true }
      if (done) break
      got += value?.length ?? 0
    }
    expect(got).toBe(zip.length)
    await storeAtRest(node)
    await upstream.gone()
    expect((await exchange(`${node.url}/go/${path}`)).body.equals(zip)).toBe(true)
    expect((await exchange(`${node.url}/go/${db}supported`)).status).toBe(200)
  })

  it('of modules that the database does not know are kept unverified', async () => {
    const { upstream, get, node } = await start()
    const { zip, mod } = upstream.publish('ex.test/a', 'v1.0.0', { logged: false })
    expect((await get(ZIP)).body.equals(zip)).toBe(true)
    expect(text(await get(MOD))).toBe(mod)
    await storeAtRest(node)
    await upstream.gone()
    expect((await get(ZIP)).body.equals(zip)).toBe(true)
    expect(text(await get(MOD))).toBe(mod)
  })

  it.each(['lookup', 'tile', 'head'])(
    'are served and not kept while %s is in trouble, but for heads that records have',
    async (kind) => {
      const { upstream, get, node } = await start()
      upstream.log.add('filler.test/m v1.0.0 h1:x\n')
      const { zip } = upstream.publish('ex.test/a', 'v1.0.0')
      upstream.fail(({ kind: asked }) => asked === kind, instead(answer(400, 'trouble')))
      expect((await get(ZIP)).body.equals(zip)).toBe(true)
      await storeAtRest(node)
      await upstream.gone()
      expect((await get(ZIP)).status).toBe(kind === 'head' ? 200 : 503)
    },
  )

  it('are verified by nothing where the mirror believes no database', async () => {
    const { upstream, get, node, db } = await start({ sumdb: 'off' })
    const { zip } = upstream.publish('ex.test/a', 'v1.0.0')
    expect((await get(ZIP)).body.equals(zip)).toBe(true)
    await storeAtRest(node)
    expect(upstream.tally.kind('lookup').requests).toBe(0)
    expect((await get(`${db}supported`)).status).toBe(404)
    await upstream.gone()
    expect((await get(ZIP)).status).toBe(200)
  })
})

describe('a go.mod', () => {
  it('that upstream made up is what its own line says', async () => {
    const { upstream, get, node } = await start()
    const { mod } = upstream.publish('ex.test/a', 'v1.0.0', { synthetic: true, files: { 'a.go': 'package a\n' } })
    expect(text(await get(MOD))).toBe(mod)
    expect((await get(ZIP)).status).toBe(200)
    await storeAtRest(node)
    await upstream.gone()
    expect(text(await get(MOD))).toBe(mod)
    expect(h1Of([{ name: 'go.mod', data: mod }])).toMatch(/^h1:/)
  })

  it('with another text is refused', async () => {
    const { upstream, get } = await start()
    upstream.publish('ex.test/a', 'v1.0.0')
    upstream.answer(MOD, serve('module evil.test/a\n'))
    const reply = await get(MOD)
    expect([reply.status, text(reply)]).toEqual([503, expect.stringMatching(/promised h1:.{43}= but h1:.{43}=.*\n$/)])
  })
})
