import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { answer, json, redirect, serve, tooMany } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { npmInstall, succeeded } from '../harness/npm.ts'
import type { Step } from '../harness/scripted.ts'
import { packageArchive } from '../harness/tar.ts'
import { useTempFolders } from '../harness/temp.ts'
import { errorOf, integrityOf, nodeBeforeReplay, nodeBeforeScript, packumentText, parsed, pathsAsked } from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const BULK = '/-/npm/v1/security/advisories/bulk'
const QUICK = '/-/npm/v1/security/audits/quick'
const GZIPPED = gzipSync(JSON.stringify({ thing: ['1.0.0'] }))
const AUDIT = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
const SECRETS = { authorization: 'Bearer client', cookie: 'session=1', 'npm-otp': '123456' }

describe('an audit', () => {
  it('reaches upstream with its body and its coding as the client packed them, and the answer comes back', async () => {
    const { npm, upstream, status } = await nodeBeforeScript(temp)
    const bodies: Buffer[] = []
    upstream.on(BULK, ({ body }) => {
      bodies.push(body)
      return json({ thing: [{ id: 1, title: 'bad' }] })
    })
    for (let times = 0; times < 2; times++) {
      const reply = await exchange(npm + BULK.slice(1), { method: 'POST', headers: { ...AUDIT, ...SECRETS }, body: GZIPPED })
      expect([reply.status, parsed(reply)]).toEqual([200, { thing: [{ id: 1, title: 'bad' }] }])
      expect(reply.headers['x-warren-source']).toBe('upstream')
    }
    // Each of them: nothing of it is kept.
    expect(bodies.map((body) => body.equals(GZIPPED))).toEqual([true, true])
    const [asked] = upstream.tally.log
    expect(asked).toMatchObject({ method: 'POST', headers: AUDIT })
    expect(asked?.headers['content-length']).toBe(String(GZIPPED.length))
    for (const name of Object.keys(SECRETS)) expect(asked?.headers).not.toHaveProperty(name)
    expect((await status()).store).toMatchObject({ blobs: 0, records: 0 })
  })

  it('that comes in chunks arrives whole', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    upstream.on(QUICK, ({ body }) => json({ length: body.length }))
    const headers = { ...AUDIT, 'transfer-encoding': 'chunked' }
    const reply = await exchange(npm + QUICK.slice(1), { method: 'POST', headers, body: GZIPPED })
    expect(parsed(reply)).toEqual({ length: GZIPPED.length })
  })

  it.each<[string, Step, number]>([
    ['fails', answer(500, 'oops'), 503],
    ['is limited', tooMany(30), 429],
    ['redirects', redirect('/elsewhere'), 503],
  ])('whose upstream %s is trouble for the client, never a clean «nothing found»', async (_, step, code) => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    upstream.on(BULK, step)
    const reply = await exchange(npm + BULK.slice(1), { method: 'POST', headers: AUDIT, body: GZIPPED })
    expect([reply.status, errorOf(reply)]).toEqual([code, expect.any(String)])
  })

  it('that upstream has no place for is 404, so that npm falls back', async () => {
    const { npm } = await nodeBeforeScript(temp)
    expect((await exchange(npm + BULK.slice(1), { method: 'POST', headers: AUDIT, body: GZIPPED })).status).toBe(404)
  })

  it('whose upstream is down is 503 with Retry-After', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    await upstream.gone()
    const reply = await exchange(npm + BULK.slice(1), { method: 'POST', headers: AUDIT, body: GZIPPED })
    expect([reply.status, errorOf(reply)]).toEqual([503, expect.any(String)])
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('of a real npm install is packed, passed on and shown; with upstream down the install goes through all the same', {
    timeout: 120_000,
  }, async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    const bytes = packageArchive([{ path: 'package.json', bytes: '{"name":"thing","version":"1.0.0"}' }])
    const dist = { integrity: integrityOf(bytes), tarball: `${upstream.origin}/thing/-/thing-1.0.0.tgz` }
    upstream.on('/thing', serve(packumentText('thing', [['1.0.0', dist]]))).on('/thing/-/thing-1.0.0.tgz', serve(bytes))
    const sent: { coding: string | undefined; body: unknown }[] = []
    upstream.on(BULK, ({ headers, body }) => {
      sent.push({ coding: headers['content-encoding'], body: JSON.parse(gunzipSync(body).toString()) })
      const advisory = { id: 1, url: 'http://advisories.example.test/1', title: 'a bad thing', severity: 'high' }
      return json({ thing: [{ ...advisory, vulnerable_versions: '<2.0.0', cwe: [], cvss: { score: 0, vectorString: null } }] })
    })
    const install = (work: string) =>
      npmInstall({
        project: { manifest: { name: 'project', version: '1.0.0', dependencies: { thing: '1.0.0' } } },
        registry: npm,
        work: temp.create(work),
        settings: { audit: 'true' },
      })
    const online = succeeded(await install('online'))
    expect(sent).toEqual([{ coding: 'gzip', body: { thing: ['1.0.0'] } }])
    expect(online.stdout).toMatch(/1 high severity vulnerability/)
    await upstream.gone()
    const offline = succeeded(await install('offline'))
    expect(offline.stdout).toMatch(/added 1 package/)
    expect(offline.stdout).not.toMatch(/found 0 vulnerabilities/)
  })
})

describe('keys and attestations', () => {
  const KEYS = { keys: [{ keyid: 'SHA256:x', keytype: 'ecdsa', scheme: 'ecdsa', key: 'abc', expires: null }] }
  const ATTESTATIONS = { attestations: [{ predicateType: 'https://slsa.example.test/v1', bundle: {} }] }

  it('are kept and outlive their upstream', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    upstream.on('/-/npm/v1/keys', json(KEYS))
    for (const source of ['upstream', 'local']) {
      const reply = await exchange(`${npm}-/npm/v1/keys`)
      expect([parsed(reply), reply.headers['x-warren-source']]).toEqual([KEYS, source])
      await upstream.gone()
    }
  })

  it.each([
    ['thing@1.0.0', '/-/npm/v1/attestations/thing@1.0.0'],
    ['@s%2fp@1.0.0', '/-/npm/v1/attestations/@s/p@1.0.0'],
    ['@s%2Fp@1.0.0-rc.1', '/-/npm/v1/attestations/@s/p@1.0.0-rc.1'],
    ['@s/p@1.0.0', '/-/npm/v1/attestations/@s/p@1.0.0'],
  ])('of %s are found at the root, where npm looks for them, and below the mount: one key', async (subject, path) => {
    const { npm, url, upstream } = await nodeBeforeScript(temp)
    upstream.on(path, json(ATTESTATIONS))
    for (const base of [`${url}/`, npm]) {
      expect(parsed(await exchange(`${base}-/npm/v1/attestations/${subject}`))).toEqual(ATTESTATIONS)
    }
    expect(upstream.tally.total.requests).toBe(1)
  })

  it('are not believed when a login page comes, and absent ones are 404', async () => {
    const { npm, url, upstream, status } = await nodeBeforeScript(temp)
    upstream.on('/-/npm/v1/keys', serve('<html></html>', { 'content-type': 'text/html' }))
    expect((await exchange(`${npm}-/npm/v1/keys`)).status).toBe(503)
    expect((await exchange(`${url}/-/npm/v1/attestations/none@1.0.0`)).status).toBe(404)
    expect((await status()).store.blobs).toBe(0)
  })

  it('are the only thing at the root that belongs to npm', async () => {
    const { url, upstream } = await nodeBeforeScript(temp)
    for (const path of ['-/npm/v1/keys', '-/ping', 'thing', '-/npm/v1/attestations/../../../thing']) {
      expect((await exchange(`${url}/${path}`)).status).toBe(404)
    }
    expect(upstream.tally.total.requests).toBe(0)
  })
})

describe('search, tags, ping and whoami', () => {
  it('search goes upstream each time with its query, and without the client’s secrets', async () => {
    const { npm, upstream, status } = await nodeBeforeScript(temp)
    const target = '/-/v1/search?text=left%20pad&size=20'
    upstream.on(/^\/-\/v1\/search/, json({ objects: [], total: 0 }))
    for (let times = 0; times < 2; times++) {
      expect(parsed(await exchange(npm + target.slice(1), { headers: SECRETS }))).toEqual({ objects: [], total: 0 })
    }
    expect(upstream.tally.log.map((asked) => asked.target)).toEqual([target, target])
    for (const name of Object.keys(SECRETS)) expect(upstream.tally.log[0]?.headers).not.toHaveProperty(name)
    expect((await status()).store.records).toBe(0)
  })

  it.each(['@s%2fp', '@s%2Fp', '@s/p'])('the tags of %s are upstream’s own', async (name) => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    upstream.on('/-/package/@s/p/dist-tags', json({ latest: '1.0.0' }), json({ latest: '2.0.0' }))
    for (const latest of ['1.0.0', '2.0.0']) {
      expect(parsed(await exchange(`${npm}-/package/${name}/dist-tags`))).toEqual({ latest })
    }
    expect(upstream.tally.log[0]?.target).toBe('/-/package/@s%2fp/dist-tags')
  })

  it('ping and whoami are answered here, with upstream down', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    await upstream.gone()
    const ping = await exchange(`${npm}-/ping`)
    expect([ping.status, parsed(ping)]).toEqual([200, {}])
    const whoami = await exchange(`${npm}-/whoami`, { headers: SECRETS })
    expect([whoami.status, errorOf(whoami), whoami.headers['www-authenticate']]).toEqual([401, expect.any(String), undefined])
  })

  it('a challenge of upstream’s never reaches the client, which would send its password to the wrong name', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    const challenge = answer(401, '{"error":"log in"}', { 'www-authenticate': 'OTP', 'content-type': 'application/json' })
    upstream.on(/^\/-\/v1\/search/, challenge).on('/thing', challenge)
    for (const path of ['-/v1/search?text=x', 'thing']) {
      const reply = await exchange(npm + path)
      expect([reply.status, reply.headers['www-authenticate']]).toEqual([403, undefined])
    }
  })
})

describe('an error', () => {
  it.each<[string, Step | undefined, number, string]>([
    ['absent', undefined, 404, 'UPSTREAM_ABSENT'],
    ['gone', answer(410), 410, 'UPSTREAM_GONE'],
    ['withheld', answer(451), 451, 'UPSTREAM_LEGAL'],
    ['denied', answer(403), 403, 'UPSTREAM_DENIED'],
    ['limited', tooMany(30), 429, 'UPSTREAM_BUSY'],
    ['broken', answer(500), 503, 'UPSTREAM_FAILED'],
    ['corrupt', json({}), 503, 'UPSTREAM_CORRUPT'],
  ])('because it is %s has npm’s form, one line, and a code', async (_, step, status, code) => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    if (step) upstream.on('/thing', step)
    const reply = await exchange(`${npm}thing`)
    expect([reply.status, reply.headers['x-warren-error']]).toEqual([status, code])
    expect(reply.headers['content-type']).toBe('application/json')
    expect(parsed(reply)).toEqual({ error: expect.stringMatching(/^[^\n]{10,500}$/) })
    expect(reply.headers['retry-after'] === undefined).toBe(status < 429 || status === 451)
  })

  it.each(['PUT', 'DELETE', 'PATCH', 'POST'])('of a %s tells where to publish, and upstream hears nothing', async (method) => {
    const { npm, replay } = await nodeBeforeReplay(temp)
    const reply = await exchange(`${npm}part-0`, { method, headers: SECRETS, body: '{"name":"part-0"}' })
    expect([reply.status, reply.headers.allow, errorOf(reply)]).toEqual([
      405,
      'GET, HEAD',
      expect.stringContaining('publishConfig'),
    ])
    expect(pathsAsked(replay)).toEqual([])
  })

  it('is what a real npm prints', { timeout: 120_000 }, async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    upstream.on('/thing', answer(451))
    const project = { manifest: { name: 'project', version: '1.0.0', dependencies: { thing: '1.0.0' } } }
    const done = await npmInstall({ project, registry: npm, work: temp.create('work') })
    expect(done.code).not.toBe(0)
    expect(done.stderr).toContain('legal reasons')
  })
})
