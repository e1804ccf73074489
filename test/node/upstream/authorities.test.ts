import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { MirrorConfig } from '../../../node/config/schema.ts'
import { startNode } from '../../harness/start-node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { makeCertificate } from './certificate.ts'
import { failure, get, makeUpstream, NEVER, readText, using } from './fixture.ts'
import { httpsServer } from './servers.ts'

const folders = useTempFolders()
/** Two authorities of different names: among those of one name OpenSSL looks at the first only. */
const [one, other] = [makeCertificate(['one.example.test', '127.0.0.1']), makeCertificate(['other.example.test', '127.0.0.1'])]

const saying = (text: string) => (_request: unknown, response: { end(text: string): void }) => response.end(text)

describe('an authority of one origin', () => {
  it('is trusted there, beside that of another origin', async () => {
    const [a, b] = [await using(httpsServer(one, saying('a'))), await using(httpsServer(other, saying('b')))]
    const trusted = new Map([
      [a.origin, [one.cert]],
      [b.origin, [other.cert]],
    ])
    const upstream = makeUpstream({ caOf: (origin) => trusted.get(origin) ?? [] })
    expect([await readText(upstream.fetch(get(a), NEVER)), await readText(upstream.fetch(get(b), NEVER))]).toEqual(['a', 'b'])
  })

  it('is not trusted at another one, not even behind a redirect', async () => {
    const stranger = await using(httpsServer(one, saying('s')))
    const registry = await using(
      httpsServer(one, (request, response) => {
        if (request.url === '/') response.end('r')
        else response.writeHead(302, { location: `${stranger.origin}/` }).end()
      }),
    )
    const upstream = makeUpstream({ caOf: (origin) => (origin === registry.origin ? [one.cert] : []) })
    expect(await readText(upstream.fetch(get(registry), NEVER))).toBe('r')
    expect((await failure(upstream.fetch(get(stranger), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    expect((await failure(upstream.fetch(get(registry, '/elsewhere'), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    expect(stranger.asked).toEqual([])
  })

  it('is trusted beside those of all origins', async () => {
    const [a, b] = [await using(httpsServer(one, saying('a'))), await using(httpsServer(other, saying('b')))]
    const upstream = makeUpstream({ ca: [other.cert], caOf: (origin) => (origin === a.origin ? [one.cert] : []) })
    for (const server of [a, b]) expect(await readText(upstream.fetch(get(server), NEVER))).toMatch(/^[ab]$/)
    const same = await using(httpsServer(other, saying('c')))
    const own = makeUpstream({ ca: [other.cert], caOf: (origin) => (origin === same.origin ? [one.cert] : []) })
    expect(await readText(own.fetch(get(same), NEVER))).toBe('c')
  })

  it('is not trusted any more once it is taken away, whatever connections there are', async () => {
    const server = await using(httpsServer(one, saying('a')))
    let trusted = [one.cert]
    const upstream = makeUpstream({ caOf: () => trusted })
    expect(await readText(upstream.fetch(get(server), NEVER))).toBe('a')
    trusted = [other.cert]
    expect((await failure(upstream.fetch(get(server), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    trusted = []
    expect((await failure(upstream.fetch(get(server), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    expect(server.asked).toEqual(['GET /'])
  })
})

it('a node takes the authorities of its mirrors over while it runs', async () => {
  const registry = await using(
    httpsServer(one, (request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name: request.url?.slice(1), 'dist-tags': {}, versions: {} }))
    }),
  )
  const file = join(folders.create(), 'ca.pem')
  writeFileSync(file, one.cert)
  const npm = {
    name: 'npm',
    protocol: 'npm',
    path: '/npm/',
    upstreams: [`${registry.origin}/`],
    local: false,
  } satisfies MirrorConfig
  const authorities = [{ origin: registry.origin, file }]
  const started = await startNode({ data: folders.create('data'), upstream: registry.origin, mirrors: [npm] })
  const ask = async (name: string) => {
    const response = await fetch(`${started.npm}${name}`)
    await response.body?.cancel()
    return response.status
  }
  expect(await ask('one')).toBe(503)
  started.node.applyMirrors([{ ...npm, authorities }])
  expect(await ask('two')).toBe(200)
  expect(() => started.node.applyMirrors([{ ...npm, authorities: [{ origin: registry.origin, file: `${file}.no` }] }])).toThrow(
    'mirrors.npm names',
  )
  expect(await ask('three')).toBe(200)
  expect(JSON.stringify(await started.status())).not.toContain('ca.pem')
})
