import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { UndiciUpstream } from '../../node/upstream/undici-upstream.ts'
import { answer, redirect, serve } from '../harness/answer.ts'
import { chunked, headers, spoil } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { rawExchange } from '../harness/raw.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { sha256 } from '../harness/scripted-debian.ts'
import { nodeBefore, started } from '../harness/scripted-files.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { fakeLookup } from '../node/upstream/lookups.ts'

useLeakCheck()
const temp = useTempFolders()

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const random = new Random(3)
const BYTES = random.bytes(30_000)
const OTHER = random.bytes(30_000)

const scripted = () => started(new ScriptedUpstream())

function fresh(bytes: Buffer, control: string) {
  return serve(bytes, { 'cache-control': control })
}

describe('a file of a generic mirror', () => {
  it('is kept as long as upstream says, and looked at again then', async () => {
    const upstream = await scripted()
    const clock = new ShiftedClock()
    upstream.on('/a/tool.zip', fresh(BYTES, 'max-age=600'), fresh(BYTES, 'max-age=600'), fresh(OTHER, 'max-age=600'))
    const node = await nodeBefore(temp, `${upstream.origin}/a/`, {}, { clock })
    expect((await node.ask('tool.zip')).headers['cache-control']).toBe('no-cache')
    await storeAtRest(node)
    await node.ask('tool.zip')
    expect(upstream.count('/a/tool.zip')).toBe(1)
    clock.pass(HOUR)
    expect((await node.ask('tool.zip')).body.equals(BYTES)).toBe(true)
    expect(upstream.tally.log.map(({ status }) => status)).toEqual([200, 304])
    clock.pass(HOUR)
    // Uploaded again under the same name.
    expect((await node.ask('tool.zip')).body.equals(OTHER)).toBe(true)
  })

  it('of a server that tells of no lifetime is not asked for again within ten seconds', async () => {
    const upstream = await scripted()
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, upstream.origin, { mutable: ['latest/*'] }, { clock })
    for (const path of ['latest/tool.zip', 'tool.zip']) {
      const changed = new Date(clock.now() - 2_000).toUTCString()
      upstream.on(`/${path}`, serve(BYTES, { 'last-modified': changed }))
      await node.ask(path)
      await storeAtRest(node)
      clock.pass(5_000)
      expect((await node.ask(path)).headers['x-warren-source']).toBe('local')
      expect(upstream.count(`/${path}`)).toBe(1)
      clock.pass(HOUR)
      await node.ask(path)
      expect(upstream.count(`/${path}`)).toBe(2)
    }
  })

  it('of the latest release is never an old one past its time, whatever its redirect says', async () => {
    const upstream = await scripted()
    const clock = new ShiftedClock()
    const moved = (to: string) => spoil(redirect(to), headers({ 'cache-control': 'max-age=31536000' }))
    upstream.on('/releases/latest/download/x', moved('/releases/download/v1/x'), moved('/releases/download/v2/x'))
    upstream.on('/releases/download/v1/x', fresh(BYTES, 'max-age=300'))
    upstream.on('/releases/download/v2/x', fresh(OTHER, 'max-age=300'))
    const mirror = { immutable: ['releases/*'], mutable: ['releases/latest/*'] }
    const node = await nodeBefore(temp, upstream.origin, mirror, { clock })
    expect((await node.ask('releases/latest/download/x')).body.equals(BYTES)).toBe(true)
    await storeAtRest(node)
    clock.pass(3 * MINUTE)
    expect((await node.ask('releases/latest/download/x')).body.equals(OTHER)).toBe(true)
    expect(upstream.tally.log.map(({ path }) => path)).toContain('/releases/download/v2/x')
  })

  it('behind a signed URL that is good no more is asked for by its own name', async () => {
    const upstream = await scripted()
    const storage = await scripted()
    const clock = new ShiftedClock()
    let signature = 1
    upstream.on('/v1/app.zip', () => redirect(`${storage.origin}/bucket/app.zip?signature=${signature}`))
    storage.on(/^\/bucket\/app\.zip/, ({ target }) =>
      target.endsWith(`=${signature}`) ? fresh(BYTES, 'max-age=60') : answer(403, 'Request has expired'),
    )
    const node = await nodeBefore(temp, upstream.origin, {}, { clock })
    const first = await node.ask('v1/app.zip')
    expect([first.status, first.headers.location, first.body.equals(BYTES)]).toEqual([200, undefined, true])
    await storeAtRest(node)
    signature = 2
    clock.pass(HOUR)
    expect((await node.ask('v1/app.zip')).status).toBe(200)
    expect(storage.tally.log.map(({ status }) => status)).not.toContain(403)
    expect(upstream.count('/v1/app.zip')).toBe(2)
  })

  it('asked for by a signed URL, or behind one, leaves no signature in the log, the status or another key', async () => {
    const upstream = await started(new ScriptedUpstream())
    upstream
      .on('/moved', redirect(`${upstream.origin}/signed?sig=hush`))
      .on(/^\/signed/, serve(BYTES))
      .on(/^\/broken/, answer(500, 'oops'))
      .on(/^\/empty/, answer(200, ''))
      .on(/^\/circle/, redirect(`${upstream.origin}/circle?sig=hush`))
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
    const node = await nodeBefore(temp, upstream.origin, { immutable: ['moved', 'empty'] }, { log })
    const statuses = []
    for (const path of ['moved', 'broken', 'broken?sig=hush', 'empty?sig=hush', 'circle', 'signed?sig=hush'])
      statuses.push((await node.ask(path)).status)
    expect(statuses).toEqual([200, 503, 503, 503, 503, 200])
    await storeAtRest(node)
    expect(lines.join('')).toContain('/raw/files/broken?…')
    expect(lines.join('') + JSON.stringify(await node.status())).not.toContain('hush')
    // What the redirect led to is kept under its own name, which nobody has to sign.
    await upstream.gone()
    expect((await node.ask('moved')).body.equals(BYTES)).toBe(true)
  })

  it('that never changes, as the operator says, is kept whatever upstream says', async () => {
    const upstream = await scripted()
    const clock = new ShiftedClock()
    upstream.on('/v1/huge.zip', fresh(BYTES, 'no-store'), answer(500))
    upstream.on('/v1/odd.zip', fresh(BYTES, 'private, no-store'), answer(500))
    const node = await nodeBefore(temp, upstream.origin, { immutable: ['v*/huge.zip'] }, { clock })
    expect((await node.ask('v1/huge.zip')).body.equals(BYTES)).toBe(true)
    expect((await node.ask('v1/odd.zip')).body.equals(BYTES)).toBe(true)
    await storeAtRest(node)
    clock.pass(365 * 24 * HOUR)
    const kept = await node.ask('v1/huge.zip', { 'cache-control': 'no-cache' })
    expect([kept.body.equals(BYTES), kept.headers['x-warren-source']]).toEqual([true, 'local'])
    // Nothing of it is here, not even for when upstream is in trouble.
    expect((await node.ask('v1/odd.zip')).status).toBe(503)
  })

  it('without a length goes out in chunks, and with its length from then on', async () => {
    const upstream = await scripted()
    const large = random.bytes(3_000_000)
    upstream.on('/stream.bin', spoil(fresh(large, 'max-age=600'), chunked()))
    const node = await nodeBefore(temp, upstream.origin)
    const first = await node.ask('stream.bin')
    expect([first.body.equals(large), first.headers['content-length']]).toEqual([true, undefined])
    await storeAtRest(node)
    expect((await node.ask('stream.bin')).headers['content-length']).toBe(`${large.length}`)
  })

  it('has another content for each query, which is passed on as it is', async () => {
    const upstream = await scripted()
    upstream.on(/^\/get/, ({ target }) => fresh(Buffer.from(target), 'max-age=600'))
    const node = await nodeBefore(temp, upstream.origin)
    for (const query of ['?a=1&b=2', '?b=2&a=1', '?a=%2F..%2F', ''])
      expect((await node.ask(`get${query}`)).body.toString()).toBe(`/get${query}`)
    await storeAtRest(node)
    await node.ask('get?a=1&b=2')
    expect(upstream.tally.total.requests).toBe(4)
    expect((await node.ask(`get?${'x'.repeat(3000)}`)).status).toBe(400)
  })

  it('may be a page', async () => {
    const upstream = await scripted()
    const page = serve('<html>index</html>', { 'content-type': 'text/html', 'cache-control': 'max-age=60' })
    for (const path of ['/', '/dir/', '/dir/a.html']) upstream.on(path, page)
    upstream.on('/dir/a.zip', page)
    const node = await nodeBefore(temp, upstream.origin)
    for (const path of ['', 'dir/', 'dir/a.html']) expect((await node.ask(path)).body.toString()).toBe('<html>index</html>')
    // What is no page by its name is none: so answers the login of a network.
    expect((await node.ask('dir/a.zip')).status).toBe(503)
  })

  it('of which a digest is configured is that or nothing', async () => {
    const upstream = await scripted()
    upstream.on('/v1/good.zip', serve(BYTES))
    upstream.on('/v1/bad.zip', serve(OTHER))
    const pin = { algorithm: 'sha256', hex: sha256(BYTES) } as const
    const node = await nodeBefore(temp, upstream.origin, { pins: { 'v1/good.zip': pin, 'v1/bad.zip': pin } })
    expect((await node.ask('v1/good.zip')).body.equals(BYTES)).toBe(true)
    const bad = await node.ask('v1/bad.zip')
    expect(bad.status).toBe(503)
    expect(bad.body.toString()).toMatch(/^[^\n]*v1\/bad\.zip[^\n]*sha256:[^\n]*\n$/)
  })

  it.each([
    ['its own file', 'v1/app.zip.sha256', `${sha256(BYTES)}\n`],
    ['its own file with a name', 'v1/app.zip.sha256', `${sha256(BYTES)} *app.zip\n`],
    ['the list of all', 'v1/SHA256SUMS', `${sha256(OTHER)}  other.zip\n${sha256(BYTES)}  app.zip\n`],
  ])('that never changes is checked by the checksum in %s', async (_, path, sums) => {
    const upstream = await scripted()
    upstream.on(`/${path}`, serve(sums, { 'content-type': 'text/plain' }))
    upstream.on('/v1/app.zip', serve(OTHER), serve(OTHER), serve(BYTES))
    const node = await nodeBefore(temp, upstream.origin, { immutable: ['v*'] })
    expect((await node.ask('v1/app.zip')).status).toBe(503)
    expect((await node.ask('v1/app.zip')).body.equals(BYTES)).toBe(true)
    // The checksums themselves come as they are.
    expect((await node.ask(path)).body.toString()).toBe(sums)
  })

  it.each(['v1/app.zip.sha256', 'v1/SHA256SUMS'])(
    'that never changes is checked as soon as it is there, by %s',
    async (path) => {
      const upstream = await scripted()
      const clock = new ShiftedClock()
      const node = await nodeBefore(temp, upstream.origin, { immutable: ['v*'] }, { clock })
      expect((await node.ask('v1/app.zip')).status).toBe(404)
      upstream.on(`/${path}`, serve(`${sha256(BYTES)}  app.zip\n`, { 'content-type': 'text/plain' }))
      upstream.on('/v1/app.zip', serve(OTHER))
      clock.pass(10_500)
      expect((await node.ask('v1/app.zip')).status).toBe(503)
    },
  )

  it('is asked for at the next upstream only where the first has it not', async () => {
    const [one, two] = [await scripted(), await scripted()]
    two.on('/a.zip', serve(BYTES))
    one.on('/b.zip', answer(500))
    two.on('/b.zip', serve(BYTES))
    const upstreams = [`${one.origin}/`, `${two.origin}/`]
    const routes = [{ pattern: 'corp/*', upstream: `${one.origin}/` }]
    const node = await nodeBefore(temp, one.origin, { upstreams, routes })
    expect((await node.ask('a.zip')).status).toBe(200)
    expect((await node.ask('b.zip')).status).toBe(503)
    expect((await node.ask('corp/c.zip')).status).toBe(404)
    expect(two.tally.log.map(({ path }) => path)).toEqual(['/a.zip'])
  })
})

describe('a generic mirror', () => {
  it('follows no redirect to where clouds keep their secrets, and none in a circle', async () => {
    const lookup = fakeLookup({ 'files.example.test': '127.0.0.1' })
    const upstream = await scripted()
    const { port } = new URL(upstream.origin)
    upstream.on('/metadata', redirect('http://169.254.169.254/latest/meta-data/'))
    upstream.on('/loop', redirect('/loop'))
    const node = await nodeBefore(
      temp,
      `http://files.example.test:${port}/`,
      {},
      {
        upstream: new UndiciUpstream({ lookup }, { nodeId: 'n', version: '0.0.0' }),
      },
    )
    for (const path of ['metadata', 'loop']) {
      const reply = await node.ask(path)
      expect([path, reply.status]).toEqual([path, 503])
      expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8')
    }
    expect(upstream.count('/loop')).toBeLessThan(10)
  })

  it('answers requests that come all at once in their order', async () => {
    const upstream = await scripted()
    const large = random.bytes(400_000)
    upstream.on('/large', fresh(large, 'max-age=60'))
    upstream.on('/small', fresh(BYTES, 'max-age=60'))
    const node = await nodeBefore(temp, upstream.origin)
    const { host } = new URL(node.url)
    const request = (path: string, last = false) =>
      `GET /raw/files/${path} HTTP/1.1\r\nHost: ${host}\r\n${last ? 'Connection: close\r\n' : ''}\r\n`
    const all = request('large') + request('small') + request('absent') + request('small', true)
    const text = await rawExchange(node.url, all)
    const parts = text.split(/(?=HTTP\/1\.1 \d{3} )/)
    const bodies = parts.map((part) => part.slice(part.indexOf('\r\n\r\n') + 4))
    expect(parts.map((part) => part.slice(9, 12))).toEqual(['200', '200', '404', '200'])
    expect([0, 1, 3].map((i) => sha256(Buffer.from(bodies[i] ?? '', 'latin1')))).toEqual([large, BYTES, BYTES].map(sha256))
  })

  it('takes nothing, and leads nowhere but below its base', async () => {
    const upstream = await scripted()
    const node = await nodeBefore(temp, `${upstream.origin}/base/`)
    for (const method of ['PUT', 'POST', 'DELETE'])
      expect((await exchange(`${node.files}a`, { method, body: 'x' })).status).toBe(405)
    for (const path of [
      '..%2fsecret',
      '..;a=b/secret',
      'a/..;/..%3b/secret',
      'a/.;x/b',
      'a/;x/b',
      'a/..;',
      'a//b',
      'a%5cb',
      'a%00b',
      'a%2500b',
      'http://elsewhere.example.test/a',
    ])
      expect([path, (await node.ask(path)).status]).toEqual([path, 400])
    expect(upstream.tally.total.requests).toBe(0)
    await node.ask('libstdc%2b%2b6 1:2~rc1@x.deb'.replace(' ', '%20'))
    expect(upstream.tally.log[0]?.target).toBe('/base/libstdc%2B%2B6%201:2~rc1@x.deb')
  })
})
