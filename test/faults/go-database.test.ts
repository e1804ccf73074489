import { describe, expect, it, onTestFinished } from 'vitest'
import type { Clock } from '../../node/clock.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { answer, serve } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { makeZip } from '../harness/scripted-go-zip.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { startGo } from './go-node.ts'

useLeakCheck()
const temp = useTempFolders()

const start = (more: Partial<MirrorConfig> = {}, clock?: Clock) => startGo({ data: temp.create('data'), more, clock })
const text = ({ body }: Reply) => body.toString()
const ZIP = 'ex.test/a/@v/v1.0.0.zip'

describe('the checksum database', () => {
  it('is passed on byte by byte, and its records and tiles are here for good', async () => {
    const clock = new ShiftedClock()
    const { upstream, get, db } = await start({}, clock)
    upstream.fill(300)
    upstream.publish('ex.test/Big/A', 'v1.0.0')
    const wanted = {
      'lookup/ex.test/!big/!a@v1.0.0': upstream.log.record(300),
      'tile/8/0/000': upstream.log.tile('0/000'),
      'tile/8/0/001.p/45': upstream.log.tile('0/001.p/45'),
      'tile/8/data/000': upstream.log.tile('data/000'),
    }
    const check = async () => {
      for (const [path, bytes] of Object.entries(wanted)) {
        const reply = await get(db + path)
        expect([path, reply.status, reply.body.equals(Buffer.from(bytes ?? ''))]).toEqual([path, 200, true])
      }
    }
    await check()
    expect(text(await get(`${db}latest`))).toBe(upstream.log.head())
    const { requests } = upstream.tally.total
    clock.pass(30 * 24 * 3_600_000)
    await check()
    expect(upstream.tally.total.requests).toBe(requests)
    await upstream.gone()
    await check()
  })

  it('is promised while upstream is gone, and another one is not', async () => {
    const { upstream, get, db } = await start()
    await upstream.gone()
    expect((await get(`${db}supported`)).status).toBe(200)
    const other = await get('sumdb/sum.other.test/supported')
    expect([other.status, other.headers['content-type']]).toEqual([404, 'text/plain; charset=utf-8'])
  })

  it('has its «no» passed on, and not for long', async () => {
    const clock = new ShiftedClock()
    const { upstream, get, db } = await start({}, clock)
    const path = `${db}lookup/ex.test/a@v1.0.0`
    expect((await get(path)).status).toBe(404)
    upstream.publish('ex.test/a', 'v1.0.0')
    clock.pass(10_000)
    expect((await get(path)).status).toBe(200)
  })

  it('may have forgotten part of a tile: then the client takes the full one', async () => {
    const { upstream, get, db } = await start()
    upstream.fill(300)
    upstream.answer(`${db}tile/8/0/000.p/12`, answer(404, 'forgotten'))
    expect((await get(`${db}tile/8/0/000.p/12`)).status).toBe(404)
    expect((await get(`${db}tile/8/0/000`)).status).toBe(200)
  })

  it('is not passed on where somebody else signed it, or a tile is too short', async () => {
    const { upstream, get, db } = await start()
    upstream.fill(300)
    upstream.publish('ex.test/a', 'v1.0.0')
    const forger = new ScriptedGo(upstream.log.signer.name)
    forger.publish('ex.test/a', 'v1.0.0')
    upstream.answer(`${db}latest`, serve(forger.log.head()))
    upstream.answer(`${db}lookup/ex.test/a@v1.0.0`, serve(forger.log.record(0)))
    upstream.answer(`${db}tile/8/0/000`, serve(Buffer.alloc(64)))
    for (const path of ['latest', 'lookup/ex.test/a@v1.0.0', 'tile/8/0/000']) {
      const reply = await get(db + path)
      expect([path, reply.status, reply.headers['content-type']]).toEqual([path, 503, 'text/plain; charset=utf-8'])
    }
  })
})

describe('a record that the database did not take into its log', () => {
  it('is not passed on, though its head is signed, and the right one is once upstream has it', async () => {
    const clock = new ShiftedClock()
    const { upstream, get, db } = await start({}, clock)
    upstream.fill(300)
    upstream.publish('ex.test/a', 'v1.0.0')
    upstream.fill(10)
    const lookup = `${db}lookup/ex.test/a@v1.0.0`
    const right = upstream.log.record(300)
    upstream.answer(lookup, serve(right.replace(/h1:.{5}/, 'h1:AAAAA')))
    const lied = await get(lookup)
    expect([lied.status, text(lied)]).toEqual([503, expect.stringContaining('log')])
    upstream.answer(lookup, serve(right))
    clock.pass(20_000)
    expect(text(await get(lookup))).toBe(right)
  })

  it('is passed on and not kept while nothing can tell', async () => {
    const { upstream, get, db, node } = await start()
    upstream.fill(300)
    upstream.publish('ex.test/a', 'v1.0.0')
    const lookup = `${db}lookup/ex.test/a@v1.0.0`
    upstream.fail(({ kind }) => kind === 'tile', instead(answer(400, 'trouble')))
    expect(text(await get(lookup))).toBe(upstream.log.record(300))
    await storeAtRest(node)
    await upstream.gone()
    expect((await get(lookup)).status).toBe(503)
  })
})

describe('two mirrors of one upstream', () => {
  it('pass on no records and heads that the key of the other one signed', async () => {
    const upstream = await new ScriptedGo().start()
    onTestFinished(() => upstream.stop())
    upstream.publish('ex.test/a', 'v1.0.0')
    // As after a change of the key: the database has the same name.
    const next = new ScriptedGo(upstream.log.signer.name)
    const mirrors = [upstream.sumdb, next.sumdb].map((sumdb, i) => {
      const name = ['before', 'after'][i] as string
      return { name, protocol: 'go', path: `/${name}/`, upstreams: [upstream.url], sumdb, local: false }
    })
    const node = await startNode({ data: temp.create('data'), upstream: upstream.url, mirrors })
    const db = `sumdb/${upstream.log.signer.name}/`
    for (const path of ['lookup/ex.test/a@v1.0.0', 'latest'])
      for (const [mirror, status] of [
        ['before', 200],
        ['after', 503],
      ] as const)
        expect([path, mirror, (await exchange(`${node.url}/${mirror}/${db}${path}`)).status]).toEqual([path, mirror, status])
  })

  it('serve none of what the other one keeps unverified', async () => {
    const upstream = await new ScriptedGo().start()
    onTestFinished(() => upstream.stop())
    upstream.publish('ex.test/a', 'v1.0.0')
    const evil = makeZip([{ name: 'ex.test/a@v1.0.0/go.mod', data: 'module ex.test/a\n\nrequire ex.test/evil v1.0.0\n' }])
    upstream.answer(ZIP, serve(evil))
    const mirrors = ['off', upstream.sumdb].map((sumdb, i) => {
      const name = ['trusting', 'checking'][i] as string
      return { name, protocol: 'go', path: `/${name}/`, upstreams: [upstream.url], sumdb, local: false }
    })
    const node = await startNode({ data: temp.create('data'), upstream: upstream.url, mirrors })
    expect((await exchange(`${node.url}/trusting/${ZIP}`)).body.equals(evil)).toBe(true)
    await storeAtRest(node)
    const reply = await exchange(`${node.url}/checking/${ZIP}`)
    expect(reply.status === 200 && reply.complete).toBe(false)
    expect((await exchange(`${node.url}/trusting/${ZIP}`)).headers['x-warren-source']).toBe('local')
  })
})
