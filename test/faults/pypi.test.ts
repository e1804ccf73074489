import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answer, redirect, serve } from '../harness/answer.ts'
import { cutAfter, flip, headers, instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { sha256 } from '../harness/scripted-pypi.ts'
import { nodeBeforeIndex, nodeWithWheel, pageOf, scriptedIndex, urlOf } from '../harness/scripted-pypi-node.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

const HOUR = 3_600_000

useLeakCheck()
const temp = useTempFolders()

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')

describe('a file', () => {
  it('with one wrong byte from upstream is broken off, named and not kept, and right the next time', async () => {
    const node = await nodeWithWheel(temp)
    const heal = node.index.fail(/\.whl$/, flip(650_000))
    const bad = await exchange(node.url)
    expect([bad.status, bad.complete]).toEqual([200, false])
    // The page alone.
    expect((await storeAtRest(node)).blobs).toBe(1)
    heal()
    const good = await exchange(node.url)
    expect([good.status, good.complete, good.body.equals(node.wheel.bytes)]).toEqual([200, true, true])
  })

  it('that is small and wrong each time is trouble, with the digest that it has and the one that it should have', async () => {
    const node = await nodeBeforeIndex(temp)
    const { bytes } = node.index.publish({ name: 'small', version: '1.0' })
    const url = await urlOf(node, 'small')
    node.index.fail(/\.whl$/, flip(100))
    const reply = await exchange(url)
    expect([reply.status, reply.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_CORRUPT'])
    expect(reply.body.toString()).toContain(`sha256:${sha256(bytes)}`)
    expect((await storeAtRest(node)).blobs).toBe(1)
  })

  it('whose body is cut is whole for the client, by one resumed request', async () => {
    const { index, url, wheel } = await nodeWithWheel(temp)
    index.fail(/\.whl$/, cutAfter(300_000), 1)
    const reply = await exchange(url)
    expect([reply.complete, reply.body.equals(wheel.bytes)]).toEqual([true, true])
    const ranges = index.tally.log.filter(({ kind }) => kind === 'file').map(({ headers }) => headers.range)
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)])
  })

  it('has the same length and strong ETag, its digest, by HEAD and by GET', async () => {
    const node = await nodeWithWheel(temp)
    const { index, url, wheel } = node
    const cold = await exchange(url, { method: 'HEAD' })
    expect([cold.status, cold.body.length, cold.headers['content-length']]).toEqual([200, 0, String(wheel.bytes.length)])
    await exchange(url)
    await storeAtRest(node)
    const before = index.tally.total.requests
    const [got, head] = [await exchange(url), await exchange(url, { method: 'HEAD' })]
    for (const { status, headers } of [got, head]) {
      expect([status, headers['content-length'], headers['accept-ranges']]).toEqual([200, String(wheel.bytes.length), 'bytes'])
      expect(headers.etag).toMatch(/^"[^"]+"$/)
    }
    expect([head.body.length, head.headers.etag]).toEqual([0, got.headers.etag])
    expect(index.tally.total.requests).toBe(before)
  })

  it('can be had in parts, with If-Range, though upstream tells no validator', async () => {
    const node = await nodeWithWheel(temp)
    const { url, wheel } = node
    node.index.fail(/\.whl$/, headers({ etag: '' }))
    await exchange(url)
    await storeAtRest(node)
    const { etag } = (await exchange(url, { method: 'HEAD' })).headers
    expect(etag).toBe(`"sha256:${sha256(wheel.bytes)}"`)
    const part = await exchange(url, { headers: { range: 'bytes=-4000', 'if-range': String(etag) } })
    expect([part.status, part.body.equals(wheel.bytes.subarray(-4000))]).toEqual([206, true])
    expect(part.headers['content-range']).toBe(
      `bytes ${wheel.bytes.length - 4000}-${wheel.bytes.length - 1}/${wheel.bytes.length}`,
    )
  })

  it('that is cold and of which the tail is asked for first is fetched once', async () => {
    const { index, url, wheel } = await nodeWithWheel(temp)
    const size = wheel.bytes.length
    const tail = await exchange(url, { headers: { range: `bytes=${size - 3000}-${size - 1}` } })
    expect([tail.status, tail.body.equals(wheel.bytes.subarray(-3000))]).toEqual([206, true])
    expect((await exchange(url)).body.equals(wheel.bytes)).toBe(true)
    const whole = index.tally.log.filter(({ kind, headers }) => kind === 'file' && headers.range === undefined)
    expect(whole).toHaveLength(1)
  })

  it('that is large and cold gives its tail before the whole is here, by HEAD and Range as installers do', async () => {
    const node = await nodeBeforeIndex(temp)
    const { index } = node
    const { bytes } = index.publish(
      { name: 'large', version: '1.0', filler: randomBytes(24 << 20) },
      { 'core-metadata': false },
    )
    const url = await urlOf(node, 'large')
    index.limit(8 << 20)
    const head = await exchange(url, { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.headers['accept-ranges']]).toEqual([
      200,
      `${bytes.length}`,
      'bytes',
    ])
    const tail = await exchange(url, { headers: { range: `bytes=${bytes.length - 5000}-${bytes.length - 1}` } })
    const files = () => index.tally.log.filter(({ kind, method }) => kind === 'file' && method === 'GET')
    const sent = Math.max(...files().map((request) => request.bytes))
    expect([tail.status, tail.body.equals(bytes.subarray(-5000)), sent < bytes.length]).toEqual([206, true, true])
    index.limit(0)
    expect((await exchange(url)).body.equals(bytes)).toBe(true)
    expect(files().filter((request) => request.headers.range === undefined)).toHaveLength(1)
  })

  it('is asked for by fifty at once and fetched once', async () => {
    const { index, url, wheel } = await nodeWithWheel(temp)
    index.latencyMs = 50
    const replies = await Promise.all(Array.from({ length: 50 }, () => exchange(url)))
    for (const { status, body } of replies) expect([status, body.equals(wheel.bytes)]).toEqual([200, true])
    expect(index.tally.kind('file').requests).toBe(1)
  })

  it('that upstream has deleted is still had by its digest where it was kept, and only there', async () => {
    const { index, url, wheel, clock, simple } = await nodeWithWheel(temp)
    await exchange(url)
    const cold = index.publish({ name: 'thing', version: '2.0' })
    clock.pass(HOUR)
    const { files } = await pageOf({ simple }, 'thing')
    const [, second] = files
    index.projects.delete('thing')
    clock.pass(HOUR)
    expect((await pageOf({ simple }, 'thing')).reply.status).toBe(404)
    expect((await exchange(url)).body.equals(wheel.bytes)).toBe(true)
    expect([cold.file, (await exchange(String(second?.url))).status]).toEqual([second?.filename, 404])
  })

  it('that the page names with other bytes is not handed out for the digest that was asked for', async () => {
    const { simple, index, url } = await nodeWithWheel(temp)
    const other = url.replace(/[0-9a-f]{64}/, '0'.repeat(64))
    const reply = await exchange(other)
    expect([reply.status, reply.body.toString()]).toEqual([404, expect.stringContaining(`sha256:${'0'.repeat(64)}`)])
    const bare = await exchange(url.replace(/[0-9a-f]{64}/, '-'))
    expect([bare.status, bare.body.toString()]).toEqual([404, expect.stringContaining('without a digest')])
    expect(index.tally.kind('file').requests).toBe(0)
    expect(url.startsWith(simple.replace('/simple/', '/files/'))).toBe(true)
  })

  it('is not had by its digest as one of another project, or by another name, be it here or not', async () => {
    const { index, url, wheel, simple } = await nodeWithWheel(temp)
    const other = index.publish({ name: 'other', version: '1.0' })
    await exchange(url)
    for (const path of [
      url.replace('/files/thing/', '/files/other/'),
      url.replace('/files/thing/', '/files/other/').replace(wheel.file, other.file),
      url.replace(wheel.file, 'anything-1.0-py3-none-any.whl'),
    ])
      for (const ending of ['', '.metadata']) expect([path, (await exchange(path + ending)).status]).toEqual([path, 404])
    expect(url).toContain(simple.replace('/simple/', '/files/thing/'))
  })

  it('is found although the page is not here any more, and its page’s trouble is no absence', async () => {
    const first = await nodeWithWheel(temp)
    const path = new URL(first.url).pathname
    const second = await nodeBeforeIndex(temp, { index: first.index })
    const heal = first.index.fail(/^\/simple\//, instead(answer(500, 'oops')))
    expect((await exchange(new URL(path, second.simple).href)).status).toBe(503)
    heal()
    const third = await nodeBeforeIndex(temp, { index: first.index })
    const reply = await exchange(new URL(path, third.simple).href)
    expect([reply.status, reply.body.equals(first.wheel.bytes)]).toEqual([200, true])
  })

  it.each(['in trouble', 'gone'])(
    'that is newer than the page that is held is not absent while upstream is %s',
    async (what) => {
      const node = await nodeWithWheel(temp)
      const { index, clock, wheel } = node
      const newer = index.publish({ name: 'thing', version: '1.1' })
      const url = node.url.replaceAll(sha256(wheel.bytes), sha256(newer.bytes)).replace(wheel.file, newer.file)
      clock.pass(HOUR)
      if (what === 'gone') await index.gone()
      else index.fail(/./, instead(answer(500)))
      for (const asked of [url, `${url}.metadata`, url.replace(/1\.1/, '1.2')]) {
        const { status, headers } = await exchange(asked)
        expect([asked, status]).toEqual([asked, 503])
        expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      }
      if (what === 'gone') await index.back()
      index.heal()
      clock.pass(HOUR)
      expect((await exchange(url)).body.equals(newer.bytes)).toBe(true)
      expect((await exchange(url.replace(/1\.1/, '1.2'))).status).toBe(404)
    },
  )

  it('that no digest is promised for is served and kept, and so is one with md5 alone, verified', async () => {
    const node = await nodeBeforeIndex(temp)
    const { index } = node
    const bytes = Buffer.from('an archive of old')
    index.add('old', { file: 'old-1.0.tar.gz', bytes, says: { hashes: {} } })
    index.add('older', {
      file: 'older-1.0.tar.gz',
      bytes: Buffer.from('older'),
      says: { hashes: { md5: md5(Buffer.from('older')) } },
    })
    index.add('wrong', { file: 'wrong-1.0.tar.gz', bytes: Buffer.from('wrong'), says: { hashes: { md5: md5(bytes) } } })
    const [none, weak, wrong] = [await urlOf(node, 'old'), await urlOf(node, 'older'), await urlOf(node, 'wrong')]
    expect([none, weak].map((url) => new URL(url).pathname)).toEqual([
      '/pypi/files/old/-/old-1.0.tar.gz',
      `/pypi/files/older/md5-${md5(Buffer.from('older'))}/older-1.0.tar.gz`,
    ])
    for (const url of [none, weak]) {
      expect((await exchange(url)).status).toBe(200)
      await storeAtRest(node)
      expect((await exchange(url)).headers['x-warren-source']).toBe('local')
    }
    expect((await exchange(wrong)).headers['x-warren-error']).toBe('UPSTREAM_CORRUPT')
  })
})

describe('where files may come from', () => {
  it('is any host that the page names, and each as a credential-free request', async () => {
    const store = await scriptedIndex()
    const node = await nodeBeforeIndex(temp)
    const { bytes } = node.index.publish({ name: 'gpu', version: '1.0' })
    store.publish({ name: 'gpu', version: '1.0' })
    node.index.fileOrigin = store.origin
    const reply = await exchange(await urlOf(node, 'gpu'))
    expect([reply.status, reply.body.equals(bytes)]).toEqual([200, true])
    expect([node.index.tally.kind('file').requests, store.tally.kind('file').requests]).toEqual([0, 1])
    expect(store.tally.log[0]?.headers.authorization).toBeUndefined()
  })

  it('is what `fileHosts` lists, if it is there, and the error names the host', async () => {
    const store = await scriptedIndex()
    const index = await scriptedIndex()
    index.publish({ name: 'gpu', version: '1.0' })
    store.publish({ name: 'gpu', version: '1.0' })
    index.fileOrigin = store.origin
    const { host } = new URL(store.origin)
    const strict = await nodeBeforeIndex(temp, { index, mirror: { fileHosts: ['files.example.test'] } })
    const refused = await exchange(await urlOf(strict, 'gpu'))
    expect([refused.status, refused.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_REFUSED'])
    expect(refused.body.toString()).toContain(host)
    expect(store.tally.total.requests).toBe(0)
    const allowing = await nodeBeforeIndex(temp, { index, mirror: { fileHosts: [host] } })
    expect((await exchange(await urlOf(allowing, 'gpu'))).status).toBe(200)
  })

  it('is also where a host that `fileHosts` lists sends on to, as hosts with a CDN do', async () => {
    const [index, listed, cdn] = [await scriptedIndex(), await scriptedIndex(), await scriptedIndex()]
    const { bytes } = index.publish({ name: 'gpu', version: '1.0' })
    const wheel = cdn.publish({ name: 'gpu', version: '1.0' })
    index.fileOrigin = listed.origin
    listed.fail(/./, instead(redirect(`${cdn.origin}${cdn.pathOf(wheel)}?signature=made-up`)))
    cdn.fail(/./, instead(serve(wheel.bytes)))
    const node = await nodeBeforeIndex(temp, { index, mirror: { fileHosts: [new URL(listed.origin).host] } })
    expect((await exchange(await urlOf(node, 'gpu'))).body.equals(bytes)).toBe(true)
    expect([listed.tally.total.requests, cdn.tally.total.requests]).toEqual([1, 1])
  })

  it.each([
    'http://169.254.169.254/latest/',
    'http://[fe80::1]/x.whl',
    'http://0.0.0.0:1/',
    'file:///etc/passwd',
    'javascript:1',
  ])('is nowhere that a listed host must not send to, in words: %s', async (place) => {
    const [index, listed] = [await scriptedIndex(), await scriptedIndex()]
    index.publish({ name: 'gpu', version: '1.0' })
    index.fileOrigin = listed.origin
    listed.fail(/./, instead(redirect(place)))
    const node = await nodeBeforeIndex(temp, { index, mirror: { fileHosts: [new URL(listed.origin).host] } })
    const reply = await exchange(await urlOf(node, 'gpu'))
    expect([reply.status, reply.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_REFUSED'])
    expect(reply.body.toString()).toMatch(/is not asked/)
  })

  it.each([
    'http://169.254.169.254/',
    'http://[fd00:ec2::254]',
    'file://',
    'javascript:',
    'data:,',
    'ftp://files.example.test',
  ])('is nowhere that a page must not name: %s', async (origin) => {
    const node = await nodeBeforeIndex(temp)
    node.index.publish({ name: 'gpu', version: '1.0' })
    node.index.fileOrigin = origin
    const reply = await exchange(await urlOf(node, 'gpu'))
    expect([reply.status, reply.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_REFUSED'])
  })

  it('is resolved against the page where its URLs are relative', async () => {
    const node = await nodeBeforeIndex(temp)
    const { bytes } = node.index.publish({ name: 'near', version: '1.0' })
    node.index.links = 'relative'
    expect((await exchange(await urlOf(node, 'near'))).body.equals(bytes)).toBe(true)
  })
})

describe('metadata', () => {
  it('are what upstream has beside the wheel, verified by their own digest', async () => {
    const node = await nodeWithWheel(temp)
    const reply = await exchange(`${node.url}.metadata`)
    expect([reply.status, reply.body.equals(node.wheel.metadata)]).toEqual([200, true])
    expect(node.index.tally.kind('file').requests).toBe(0)
    await storeAtRest(node)
    await node.index.gone()
    expect((await exchange(`${node.url}.metadata`)).body.equals(node.wheel.metadata)).toBe(true)
  })

  it('are taken out of the wheel where upstream promises them and has none, and only there', async () => {
    const node = await nodeWithWheel(temp)
    node.index.fail(/\.metadata$/, instead(answer(404)))
    expect((await exchange(`${node.url}.metadata`)).body.equals(node.wheel.metadata)).toBe(true)
    const files = node.index.tally.kind('file').requests
    node.index.publish({ name: 'bare', version: '1.0' }, { 'core-metadata': false })
    const url = await urlOf(node, 'bare')
    expect((await exchange(`${url}.metadata`)).status).toBe(404)
    expect(node.index.tally.kind('file').requests).toBe(files)
  })

  it('are not taken out of a wheel that is too large for that, be it here or not', async () => {
    const node = await nodeBeforeIndex(temp)
    node.index.fail(/\.metadata$/, instead(answer(404)))
    node.index.publish({ name: 'huge', version: '1.0', filler: randomBytes(65 << 20) })
    const url = await urlOf(node, 'huge')
    for (const round of ['cold', 'held']) {
      const reply = await exchange(`${url}.metadata`)
      expect([round, reply.status, reply.body.toString()]).toEqual([
        round,
        503,
        expect.stringContaining('more than 67108864 bytes'),
      ])
      expect((await exchange(url)).status).toBe(200)
      await storeAtRest(node)
    }
  })

  it('that are wrong are trouble', async () => {
    const node = await nodeWithWheel(temp)
    node.index.fail(/\.metadata$/, flip(20))
    const reply = await exchange(`${node.url}.metadata`)
    expect([reply.status, reply.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_CORRUPT'])
  })

  it('are 404 where there can be none', async () => {
    const node = await nodeBeforeIndex(temp)
    node.index.add('old', { file: 'old-1.0.tar.gz', bytes: Buffer.from('old'), says: {} })
    expect((await exchange(`${await urlOf(node, 'old')}.metadata`)).status).toBe(404)
  })
})
