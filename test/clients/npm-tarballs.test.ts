import { describe, expect, it } from 'vitest'
import { answer, json, redirect, serve } from '../harness/answer.ts'
import { headers, instead, labelled, spoil } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { npmCi, succeeded } from '../harness/npm.ts'
import { withTarballUrls } from '../harness/project.ts'
import { Random } from '../harness/random.ts'
import type { Step } from '../harness/scripted.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import {
  errorOf,
  INSTALL_ACCEPT,
  integrityOf,
  nodeBeforeReplay,
  nodeBeforeScript,
  packumentText,
  parsed,
  pathsAsked,
  scripted,
  shasumOf,
} from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const BYTES = new Random(7).bytes(300_000)
const TARBALL = '/thing/-/thing-1.0.0.tgz'
const SECRETS = { authorization: 'Bearer client', cookie: 'session=1', 'npm-otp': '123456', 'x-jfrog-art-api': 'key' }
const SECRET_NAMES = Object.keys(SECRETS)

describe('what a tarball must be, when a lockfile install asks for it first,', () => {
  const PART = '/part-0/-/part-0-1.1.0.tgz'
  const MANIFEST = '/part-0/1.1.0'

  it.each([
    ['full', 'application/json'],
    ['abbreviated', INSTALL_ACCEPT],
  ])('is read from the %s document in the cache, without any further request', async (_, accept) => {
    const { npm, replay, status } = await nodeBeforeReplay(temp)
    await exchange(`${npm}part-0`, { headers: { accept } })
    replay.tally.reset()
    expect((await exchange(npm + PART.slice(1))).status).toBe(200)
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    expect(pathsAsked(replay)).toEqual([PART])
  })

  it('else from the manifest of its version, which is small', async () => {
    const { npm, replay, status } = await nodeBeforeReplay(temp)
    expect((await exchange(npm + PART.slice(1))).status).toBe(200)
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    expect(pathsAsked(replay).sort()).toEqual([PART, MANIFEST])
  })

  it('else from the abbreviated document, which several versions share', async () => {
    const { npm, replay, registry, status } = await nodeBeforeReplay(temp)
    for (const version of ['1.0.0', '1.1.0']) registry.recording.forget(`/part-0/${version}`)
    await Promise.all(['1.0.0', '1.1.0'].map((version) => exchange(`${npm}part-0/-/part-0-${version}.tgz`)))
    await eventually('both are kept', async () => (await status()).store.blobs === 3)
    expect(replay.tally.path('/part-0').requests).toBe(1)
    expect(replay.tally.log.find(({ path }) => path === '/part-0')?.headers.accept).toBe(INSTALL_ACCEPT)
  })

  it('else stays open: the bytes are served, but kept only once they can be compared', async () => {
    const node = await nodeBeforeReplay(temp)
    const { npm, replay, registry, status } = node
    const down = replay.fail(/^\/part-0(\/1\.1\.0)?$/, instead(answer(500, 'oops')))
    for (let times = 0; times < 2; times++) {
      const reply = await exchange(npm + PART.slice(1))
      expect([reply.status, reply.body.equals(registry.latest[0]?.archive as Buffer)]).toEqual([200, true])
    }
    expect([replay.tally.path(PART).requests, (await storeAtRest(node)).blobs]).toEqual([2, 0])
    down()
    await eventually('it is kept', async () => {
      await exchange(npm + PART.slice(1))
      return (await status()).store.blobs === 2
    })
  })

  it('is learnt by no document at all while a real npm ci installs everything from tarball URLs', {
    timeout: 120_000,
  }, async () => {
    const { npm, replay, registry, status } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 16 }))
    const done = succeeded(
      await npmCi({ project: withTarballUrls(registry.project(), npm), registry: npm, work: temp.create('work') }),
    )
    expect(done.code).toBe(0)
    const { length } = registry.installable
    const sent = replay.tally.log.filter(({ kind, status: code }) => kind === 'tarball' && code === 200)
    expect(sent.length).toBe(length)
    // Far and odd tarballs are asked for by their conventional name, which their own manifest explains.
    expect(replay.tally.kind('manifest').requests).toBe(length)
    expect(replay.tally.kind('packument').requests).toBe(0)
    await eventually('all is kept', async () => (await status()).store.blobs === length * 2)
  })
})

describe('an old package', () => {
  it('with a sha1 only, by http, on another host, is rewritten, fetched from there, verified and kept', async () => {
    const { npm, url, upstream, status } = await nodeBeforeScript(temp)
    const files = await scripted()
    const far = `http://localhost:${new URL(files.origin).port}/old/thing.tgz`
    upstream.on('/thing', serve(packumentText('thing', [['1.0.0', { shasum: shasumOf(BYTES), tarball: far }]])))
    files.on('/old/thing.tgz', serve(BYTES))
    const document = (await exchange(`${npm}thing`)).body.toString()
    expect(document).not.toContain('localhost')
    expect(document).toContain(`"tarball":"${url}/npm${TARBALL}"`)
    expect(document).toContain(`"shasum":"${shasumOf(BYTES)}"`)
    const reply = await exchange(npm + TARBALL.slice(1), { headers: SECRETS })
    expect([reply.status, reply.body.equals(BYTES)]).toEqual([200, true])
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    expect([upstream.count(TARBALL), files.count('/old/thing.tgz')]).toEqual([0, 1])
    const [asked] = files.tally.log
    for (const name of SECRET_NAMES) expect(asked?.headers).not.toHaveProperty(name)
  })

  it('with a sha1 only and other bytes is cut and not kept, and the next request is clean', async () => {
    const node = await nodeBeforeScript(temp)
    const { npm, upstream, status } = node
    const dist = { shasum: shasumOf(BYTES), tarball: upstream.origin + TARBALL }
    upstream.on('/thing', serve(packumentText('thing', [['1.0.0', dist]])))
    const wrong = serve(Buffer.concat([BYTES.subarray(1), Buffer.of(0)]))
    upstream.on(TARBALL, wrong, serve(BYTES))
    await exchange(`${npm}thing`)
    const bad = await exchange(npm + TARBALL.slice(1))
    expect(bad.status === 200 && bad.complete).toBe(false)
    expect((await storeAtRest(node)).blobs).toBe(1)
    const good = await exchange(npm + TARBALL.slice(1))
    expect([good.status, good.complete, good.body.equals(BYTES)]).toEqual([200, true, true])
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
  })

  it.each([
    ['the clouds’ metadata service', 'http://169.254.169.254/latest/thing-1.0.0.tgz'],
    ['the same in another spelling', 'http://0xa9fea9fe/thing/-/thing-1.0.0.tgz'],
    ['the same as IPv6', 'http://[::ffff:169.254.169.254]/thing/-/thing-1.0.0.tgz'],
  ])('whose tarball is said to be at %s is not asked for there, only where convention puts it', async (_, tarball) => {
    const node = await nodeBeforeScript(temp)
    const { npm, upstream } = node
    upstream.on('/thing', serve(packumentText('thing', [['1.0.0', { integrity: integrityOf(BYTES), tarball }]])))
    await exchange(`${npm}thing`)
    const nowhere = await exchange(npm + TARBALL.slice(1))
    // Not a 404: nobody knows whether it is at the place that is not asked.
    expect([nowhere.status, nowhere.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_REFUSED'])
    expect(errorOf(nowhere)).toContain('is not asked')
    expect([upstream.count(TARBALL), (await storeAtRest(node)).blobs]).toEqual([1, 1])
    upstream.on(TARBALL, serve(BYTES))
    const reply = await exchange(npm + TARBALL.slice(1))
    expect([reply.status, reply.body.equals(BYTES)]).toEqual([200, true])
  })

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/thing.tgz', '//thing.tgz', 'javascript:alert(1)', ''])(
    'whose tarball is said to be at «%s» is fetched from where convention puts it',
    async (tarball) => {
      const { npm, url, upstream } = await nodeBeforeScript(temp)
      upstream.on('/thing', serve(packumentText('thing', [['1.0.0', { integrity: integrityOf(BYTES), tarball }]])))
      upstream.on(TARBALL, serve(BYTES))
      expect((await exchange(`${npm}thing`)).body.toString()).toContain(`"tarball":"${url}/npm${TARBALL}"`)
      expect((await exchange(npm + TARBALL.slice(1))).body.equals(BYTES)).toBe(true)
    },
  )
})

describe('a tarball', () => {
  async function thing(step: Step) {
    const node = await nodeBeforeScript(temp)
    const dist = { integrity: integrityOf(BYTES), tarball: node.upstream.origin + TARBALL }
    node.upstream.on('/thing/1.0.0', json({ name: 'thing', version: '1.0.0', dist })).on(TARBALL, step)
    return { ...node, tarball: node.npm + TARBALL.slice(1) }
  }

  it('that is redirected to another host is followed inside the node, and no secret of the client goes along', async () => {
    const { tarball, upstream, status } = await thing(answer(500))
    const files = await scripted()
    const signed = `http://localhost:${new URL(files.origin).port}/bucket/a.tgz?signature=abc`
    upstream.on(TARBALL, redirect(signed))
    files.on('/bucket/a.tgz?signature=abc', serve(BYTES))
    const reply = await exchange(tarball, { headers: SECRETS })
    expect([reply.status, reply.body.equals(BYTES), reply.headers.location]).toEqual([200, true, undefined])
    await eventually('it is kept under its first name', async () => (await status()).store.blobs === 2)
    expect((await exchange(tarball)).headers['x-warren-source']).toBe('local')
    expect([upstream.count(TARBALL), files.tally.total.requests]).toEqual([1, 1])
    for (const { headers: sent } of [...upstream.tally.log, ...files.tally.log]) {
      for (const name of SECRET_NAMES) expect(sent).not.toHaveProperty(name)
    }
  })

  it('that upstream labels as compressed is stored as its digest says, and goes out without a label', async () => {
    const { tarball, upstream, status } = await thing(spoil(serve(BYTES), labelled()))
    for (const source of ['upstream', 'local']) {
      const reply = await exchange(tarball, { headers: { 'accept-encoding': 'gzip, br, zstd' } })
      expect([reply.headers['x-warren-source'], reply.body.equals(BYTES)]).toEqual([source, true])
      expect(reply.headers['content-encoding']).toBeUndefined()
      expect(reply.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': String(BYTES.length),
        'cache-control': 'public, max-age=31536000, immutable',
      })
      await eventually('it is kept', async () => (await status()).store.blobs === 2)
    }
    expect(upstream.tally.log.find(({ path }) => path === TARBALL)?.headers['accept-encoding']).toBe('identity')
  })

  it('carries no header of upstream that is another site’s business', async () => {
    const odd = {
      'set-cookie': 'a=b',
      'access-control-allow-origin': '*',
      'content-type': 'text/html',
      location: 'http://x.example.test/',
    }
    const { tarball } = await thing(spoil(serve(BYTES), headers(odd)))
    const reply = await exchange(tarball)
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/octet-stream'])
    for (const name of ['set-cookie', 'access-control-allow-origin', 'location']) expect(reply.headers).not.toHaveProperty(name)
  })

  it('asks for its bytes only once, however often it is asked for in parts', async () => {
    const { tarball, upstream, status } = await thing(serve(BYTES))
    await exchange(tarball)
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    const part = await exchange(tarball, { headers: { range: 'bytes=1000-1999' } })
    expect([part.status, part.headers['content-range'], part.body.equals(BYTES.subarray(1000, 2000))]).toEqual([
      206,
      `bytes 1000-1999/${BYTES.length}`,
      true,
    ])
    const head = await exchange(tarball, { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(BYTES.length), 0])
    const same = await exchange(tarball, { headers: { 'if-none-match': head.headers.etag as string } })
    expect([same.status, upstream.count(TARBALL)]).toEqual([304, 1])
    expect(head.headers.etag).toMatch(/^"sha512:[0-9a-f]{128}"$/)
  })

  it('of a version that does not exist is 404 in the words of npm', async () => {
    const { npm } = await thing(serve(BYTES))
    const reply = await exchange(`${npm}thing/-/thing-9.9.9.tgz`)
    expect([reply.status, parsed(reply)]).toEqual([404, { error: expect.stringContaining('404') }])
  })
})
