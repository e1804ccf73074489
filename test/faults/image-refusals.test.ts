import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { Overrides } from '../../node/components.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { UndiciUpstream } from '../../node/upstream/undici-upstream.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import { RawConnection } from '../harness/raw.ts'
import { useTempFolders } from '../harness/temp.ts'
import { fakeLookup } from '../node/upstream/lookups.ts'
import { ask, problem, startHub, startImageNode } from './image-node.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`
const ANYTHING: MirrorConfig = {
  name: 'anything',
  protocol: 'oci',
  path: '/v2/',
  registry: '*',
  upstreams: [],
  local: false,
}

useLeakCheck()
const temp = useTempFolders()

async function setUp(mirrors: readonly MirrorConfig[] = [], overrides: Overrides = {}) {
  const hub = await startHub()
  const image = await makeImage()
  hub.publish('library/x', 'latest', image)
  const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, mirrors, overrides })
  return { hub, image, node }
}

describe('a client that pushes', () => {
  it('is told in the form of registries that nothing is taken here, and nobody is asked', async () => {
    const { hub, node } = await setUp()
    const pushes = [
      ['POST', 'blobs/uploads/'],
      ['POST', `blobs/uploads/?mount=${DIGEST}&from=library/y`],
      ['PATCH', 'blobs/uploads/1'],
      ['PUT', `blobs/uploads/1?digest=${DIGEST}`],
      ['PUT', 'manifests/latest'],
      ['DELETE', `manifests/${DIGEST}`],
      ['DELETE', `blobs/${DIGEST}`],
    ] as const
    for (const [method, rest] of pushes) {
      const body = method === 'POST' || method === 'DELETE' ? undefined : '{}'
      for (const ns of ['', 'docker.io']) {
        const url = `${node.url}/v2/library/x/${rest}${rest.includes('?') ? '&' : '?'}ns=${ns}`
        const reply = await ask(url, { method, ...(body === undefined ? {} : { body }) })
        expect([method, rest, ...problem(reply)]).toEqual([method, rest, 405, 'UNSUPPORTED'])
        // RFC 9110 section 15.5.6.
        expect(reply.headers.allow).toMatch(/\bGET\b/)
      }
    }
    expect(hub.tally.total.requests).toBe(0)
  })
})

describe('a registry', () => {
  it('that there is no mirror for is unknown at once', async () => {
    const { hub, node } = await setUp()
    for (const rest of ['manifests/latest', `manifests/${DIGEST}`, `blobs/${DIGEST}`, 'tags/list', `referrers/${DIGEST}`]) {
      for (const url of [`library/x/${rest}?ns=quay.io`, `quay.io/library/x/${rest}`]) {
        expect(problem(await ask(`${node.url}/v2/${url}`))).toEqual([404, 'NAME_UNKNOWN'])
      }
    }
    expect(hub.tally.total.requests).toBe(0)
  })

  it('that only a client names is not asked when it may be in this network', async () => {
    const { hub, node } = await setUp([ANYTHING])
    const { host, port } = new URL(hub.origin)
    const inside = [
      host,
      `localhost:${port}`,
      `[::1]:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      `LOCALHOST:${port}`,
      `x.localhost:${port}`,
      `127.1:${port}`,
      `2130706433:${port}`,
      `0x7f000001:${port}`,
      `0177.0.0.1:${port}`,
      `0.0.0.0:${port}`,
      '10.0.0.1',
      '169.254.169.254',
      'intranet',
      `intranet:${port}`,
      'registry.local',
      'registry.internal',
      'registry.home.arpa',
      '*',
      'docker.io@127.0.0.1',
    ]
    for (const ns of inside) {
      const reply = await ask(`${node.url}/v2/library/x/manifests/latest?ns=${encodeURIComponent(ns)}`)
      expect([ns, ...problem(reply)]).toEqual([ns, 404, 'NAME_UNKNOWN'])
    }
    // One that stands in the path is not even on demand.
    for (const first of [host, `localhost:${port}`, 'registry.example.test']) {
      expect(problem(await ask(`${node.url}/v2/${first}/library/x/manifests/latest`))).toEqual([404, 'NAME_UNKNOWN'])
    }
    expect(hub.tally.total.requests).toBe(0)
    expect((await ask(`${node.url}/v2/library/x/manifests/latest?ns=docker.io`)).status).toBe(200)
  })

  it('that only a client names is not asked either where its name leads into this network', async () => {
    const lookup = fakeLookup({ 'registry.example.test': '127.0.0.1' })
    const upstream = new UndiciUpstream({ lookup }, { nodeId: 'n', version: '0.0.0' })
    const { hub, node } = await setUp([ANYTHING], { upstream })
    const ns = `registry.example.test:${new URL(hub.origin).port}`
    const reply = await ask(`${node.url}/v2/library/x/manifests/latest?ns=${ns}`)
    expect(problem(reply)).toEqual([503, 'UNAVAILABLE'])
    expect([lookup.asked, hub.connections]).toEqual([['registry.example.test'], 0])
  })
})

describe('the first request', () => {
  it('of every client is answered without a challenge, whoever asks', async () => {
    const { hub, node } = await setUp()
    for (const query of ['', '?ns=docker.io']) {
      for (const method of ['GET', 'HEAD']) {
        const reply = await ask(`${node.url}/v2/${query}`, { method })
        expect([reply.status, reply.body.toString()]).toEqual([200, method === 'GET' ? '{}' : ''])
        expect(reply.headers['docker-distribution-api-version']).toBe('registry/2.0')
      }
    }
    expect(hub.tally.total.requests).toBe(0)
  })

  it('of podman, which tries TLS at the plain port, ends at once and spoils nothing', async () => {
    const { image, node } = await setUp()
    const { hostname, port } = new URL(node.url)
    const before = await RawConnection.open(node.url)
    try {
      const failed = await new Promise<unknown>((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
        socket.on('error', resolve)
        socket.on('secureConnect', () => reject(new Error('the plain port speaks TLS')))
        socket.on('close', () => resolve(undefined))
      })
      expect(failed).toBeInstanceOf(Error)
      // Also a connection from before, and the next one.
      before.send(`GET /v2/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`)
      expect(await before.rest()).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      const reply = await exchange(`${node.url}/v2/library/x/manifests/latest`)
      expect([reply.status, reply.body.equals(image.bytes)]).toEqual([200, true])
    } finally {
      before.close()
    }
  })
})
