import { describe, expect, test } from 'vitest'
import { oci } from '../../../protocols/oci/index.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import {
  CORP,
  claimOf,
  factsOf,
  HUB,
  mirrors,
  onDemand,
  planFor,
  planned,
  QUAY,
  quay,
  refusalOf,
  replyTo,
  SHA256,
} from './fixtures.ts'

const LATEST = 'manifests/latest'

function mirrorOf(target: string): Mirror | undefined {
  try {
    return claimOf(target)?.mirror
  } catch (error) {
    expect(error).toMatchObject({ code: 'NO_SUCH_MIRROR' })
    return undefined
  }
}

describe('a client is understood', () => {
  test.each([
    ['containerd, for Docker Hub', `/v2/library/x/${LATEST}?ns=docker.io`, `${HUB}v2/library/x/${LATEST}`],
    ['containerd, for another registry', `/v2/org/app/${LATEST}?ns=quay.io`, `${QUAY}v2/org/app/${LATEST}`],
    ['containerd with override_path and the mount as URL', `/mirror/corp/org/app/${LATEST}`, `${CORP}v2/org/app/${LATEST}`],
    [
      'containerd with override_path below /v2',
      `/v2/mirror/corp/org/app/${LATEST}?ns=corp.example.test:8443`,
      `${CORP}v2/org/app/${LATEST}`,
    ],
    [
      'containerd without override_path, with the mount as URL',
      `/mirror/corp/v2/org/app/${LATEST}?ns=corp.example.test%3A8443`,
      `${CORP}v2/org/app/${LATEST}`,
    ],
    ['containerd whose URL repeats the registry', `/v2/quay.io/org/app/${LATEST}?ns=quay.io`, `${QUAY}v2/org/app/${LATEST}`],
    ['dockerd, which names no registry', `/v2/library/x/${LATEST}`, `${HUB}v2/library/x/${LATEST}`],
    ['dockerd with the registry in its URL', `/docker.io/v2/library/x/${LATEST}`, `${HUB}v2/library/x/${LATEST}`],
    ['dockerd with another registry in its URL', `/quay.io/v2/org/app/${LATEST}`, `${QUAY}v2/org/app/${LATEST}`],
    ['dockerd with a mount in its URL', `/mirror/corp/v2/org/app/${LATEST}`, `${CORP}v2/org/app/${LATEST}`],
    ['podman, with the registry in the location', `/v2/docker.io/library/x/${LATEST}`, `${HUB}v2/library/x/${LATEST}`],
    ['podman, for another registry', `/v2/quay.io/org/app/${LATEST}`, `${QUAY}v2/org/app/${LATEST}`],
    ['podman, for a registry with a port', `/v2/corp.example.test:8443/org/app/${LATEST}`, `${CORP}v2/org/app/${LATEST}`],
    ['podman, with a mount in the location', `/v2/mirror/corp/org/app/${LATEST}`, `${CORP}v2/org/app/${LATEST}`],
    ['BuildKit, which sends the registry', `/v2/library/x/${LATEST}?ns=docker.io`, `${HUB}v2/library/x/${LATEST}`],
    ['BuildKit with a path', `/v2/mirror/corp/org/app/${LATEST}?ns=corp.example.test:8443`, `${CORP}v2/org/app/${LATEST}`],
  ])('%s', (_, target, url) => {
    expect(planFor(target).url).toBe(url)
  })
})

describe('the registry', () => {
  test.each(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'DOCKER.IO', 'Registry-1.Docker.io'])(
    '«%s» is Docker Hub',
    (ns) => {
      expect(planFor(`/v2/library/x/${LATEST}?ns=${ns}`).key).toBe(planFor(`/v2/library/x/${LATEST}`).key)
      expect(planFor(`/v2/${ns}/library/x/${LATEST}`).key).toBe(planFor(`/v2/library/x/${LATEST}`).key)
      expect(oci.registries?.upstreamsOf(ns)).toEqual([HUB])
    },
  )

  test('decides, not the path: two registries have different images of one name', () => {
    const [one, other] = [planFor(`/v2/library/x/${LATEST}?ns=docker.io`), planFor(`/v2/library/x/${LATEST}?ns=quay.io`)]
    expect(one.key).not.toBe(other.key)
    expect([one.base, other.base]).toEqual([HUB, QUAY])
    const at = (ns: string) => planFor(`/v2/library/x/blobs/${SHA256}?ns=${ns}`).key
    expect(at('docker.io')).not.toBe(at('quay.io'))
  })

  test('in «ns» leaves the path alone, where that names another one', () => {
    expect(planFor(`/v2/quay.io/app/${LATEST}?ns=docker.io`).url).toBe(`${HUB}v2/quay.io/app/${LATEST}`)
  })

  test('is no registry without a name behind it', () => {
    expect(planFor(`/v2/node.js/${LATEST}`).url).toBe(`${HUB}v2/library/node.js/${LATEST}`)
    expect(planFor(`/v2/quay.io/app/${LATEST}`).url).toBe(`${QUAY}v2/app/${LATEST}`)
  })

  test.each([
    `/mirror/corp/org/app/${LATEST}?ns=quay.io`,
    `/mirror/corp/v2/org/app/${LATEST}?ns=docker.io`,
    `/v2/mirror/corp/org/app/${LATEST}?ns=quay.io`,
    `/quay.io/v2/org/app/${LATEST}?ns=docker.io`,
    `/v2/quay.io/org/app/${LATEST}?ns=docker.io`,
  ])('is never another one than the client names: %s', (target) => {
    // Nobody, or the one that is named.
    const mirror = mirrorOf(target)
    expect([undefined, target.replace(/^.*ns=/, '')]).toContain(mirror?.registry)
  })

  test.each(['?ns=quay.io&ns=docker.io', '?ns=docker.io&x&ns=quay.io'])('is one: %s', (query) => {
    expect(refusalOf(`/v2/org/app/${LATEST}${query}`).status).toBe(404)
  })

  test('may be spelt with escapes and capitals', () => {
    for (const target of [
      `/v2/org/app/${LATEST}?ns=QUAY.io`,
      `/v2/org/app/${LATEST}?ns=quay%2Eio`,
      `/v2/Quay.IO/org/app/${LATEST}`,
    ]) {
      expect(planFor(target).key).toBe(planFor(`/v2/org/app/${LATEST}?ns=quay.io`).key)
    }
  })
})

describe('names of Docker Hub', () => {
  test.each([
    `/v2/x/${LATEST}`,
    `/v2/x/${LATEST}?ns=docker.io`,
    `/v2/docker.io/x/${LATEST}`,
    `/docker.io/v2/x/${LATEST}`,
    `/v2/library/x/${LATEST}`,
  ])('of one component are those below library/: %s', (target) => {
    expect(planFor(target)).toMatchObject({ url: `${HUB}v2/library/x/${LATEST}`, scope: 'repository:library/x:pull' })
  })

  test('of other registries stay as they are', () => {
    expect(planFor(`/v2/x/${LATEST}?ns=quay.io`).url).toBe(`${QUAY}v2/x/${LATEST}`)
  })
})

describe('whether the API is here', () => {
  test.each(['/v2/', '/v2', '/docker.io/v2/', '/quay.io/v2', '/mirror/corp/v2/', '/v2/?ns=quay.io', '/v2/mirror/corp/'])(
    'is answered at %s without a challenge',
    (target) => {
      const reply = replyTo(target)
      expect(reply).toMatchObject({ status: 200, body: '{}' })
      expect(reply.headers).toMatchObject({
        'content-type': 'application/json',
        'docker-distribution-api-version': 'registry/2.0',
      })
      expect(Object.keys(reply.headers)).not.toContain('www-authenticate')
    },
  )

  test('does not depend on there being a mirror of Docker Hub', () => {
    expect(replyTo('/v2/', { on: [quay] }).status).toBe(200)
  })
})

describe('a registry without a mirror', () => {
  test.each([
    `/v2/org/app/${LATEST}?ns=other.example.test`,
    `/v2/other.example.test/org/app/${LATEST}`,
    `/other.example.test/v2/org/app/${LATEST}`,
    `/v2/localhost:5000/org/app/${LATEST}`,
    `/v2/localhost/org/app/${LATEST}`,
  ])('is none that we know: %s', (target) => {
    expect(refusalOf(target)).toEqual({ status: 404, code: 'NAME_UNKNOWN' })
  })

  test('of Docker Hub is one like all others', () => {
    expect(refusalOf(`/v2/library/x/${LATEST}`, { on: [quay] }).status).toBe(404)
  })

  test.each(['quay.io%0d%0aX-Evil:1', '..', 'a b', '%00', '%ff', 'https://quay.io', 'quay.io/evil', 'user@quay.io', '*'])(
    'is «%s» as well',
    (ns) => {
      for (const on of [mirrors, [...mirrors, onDemand]]) {
        expect(refusalOf(`/v2/org/app/${LATEST}?ns=${ns}`, { on }).status).toBe(404)
      }
    },
  )

  test('is asked on demand, where the operator wants that', () => {
    const on = [...mirrors, onDemand]
    const plan = planFor(`/v2/org/app/${LATEST}?ns=Other.Example.TEST:8443`, { on })
    expect(plan).toMatchObject({
      mirror: 'on-demand',
      base: 'https://other.example.test:8443/',
      url: `https://other.example.test:8443/v2/org/app/${LATEST}`,
    })
    expect(claimOf(`/v2/org/app/${LATEST}?ns=other.example.test`, on)?.mirror.registry).toBe('other.example.test')
    // One that has a mirror of its own goes there.
    expect(planFor(`/v2/org/app/${LATEST}?ns=quay.io`, { on }).mirror).toBe('quay')
  })

  test('that is asked on demand must be no address of this network, whatever part of an image is asked for', () => {
    const on = [...mirrors, onDemand]
    const parts = ['manifests/latest', `manifests/${SHA256}`, `blobs/${SHA256}`, 'tags/list', `referrers/${SHA256}`]
    for (const part of parts) {
      for (const plan of planned(`/v2/org/app/${part}?ns=other.example.test`, { on }).plans) {
        expect(
          [plan, plan.pointsTo?.({ 'docker-content-digest': SHA256 }) ?? plan].map(({ publicOnly }) => publicOnly),
        ).toEqual([true, true])
      }
      expect(planFor(`/v2/org/app/${part}?ns=quay.io`, { on }).publicOnly).toBeFalsy()
    }
    const image = { schemaVersion: 2, config: { digest: SHA256, size: 1 }, layers: [] }
    const [config] = planFor(`/v2/org/app/manifests/${SHA256}?ns=other.example.test`, { on }).children?.(factsOf(image)) ?? []
    expect(config?.plan.publicOnly).toBe(true)
  })

  test.each([
    '127.0.0.1',
    '10.0.0.1:5000',
    '2130706433',
    '0x7f.1',
    '1.2.3.0x4',
    '[::1]',
    '[::1]:5000',
    'localhost',
    'localhost:5000',
    'x.localhost',
    'intranet',
    'intranet:5000',
    'printer.local',
    'vault.internal',
    'metadata.google.internal',
    'router.home.arpa',
    'a.example.test:0',
    'a.example.test:65536',
    'a.example.test.',
    '-a.example.test',
  ])('is never asked on demand as «%s»', (ns) => {
    expect(refusalOf(`/v2/org/app/${LATEST}?ns=${encodeURIComponent(ns)}`, { on: [...mirrors, onDemand] }).status).toBe(404)
  })
})

describe('a path of somebody else', () => {
  test.each([
    '/',
    '/npm/lodash',
    '/healthz',
    '/v1/',
    '/v20/x',
    '/V2/',
    '/admin/v2/',
    '/mirror/',
    '/mirror/corporate/v2/',
    '/foo/v2/',
  ])('%s is none of ours', (target) => {
    expect(claimOf(target)).toBeUndefined()
  })

  test.each(['?ns=quay.io', '?ns=other.example.test', '?ns=a b', '?ns=%ff', '?ns=a&ns=b', '?ns='])(
    'stays so with %s',
    (query) => {
      for (const path of ['/npm/lodash', '/-/npm/v1/attestations/x@1.0.0', '/mirror/'])
        expect(claimOf(path + query)).toBeUndefined()
    },
  )

  test('is not taken where no mirror is set up either', () => {
    expect(claimOf('/npm/lodash', [])).toBeUndefined()
  })

  test('that looks like ours is refused in the form that our clients read', () => {
    expect(refusalOf(`/unknown.example.test/v2/org/app/${LATEST}`)).toEqual({ status: 404, code: 'NAME_UNKNOWN' })
  })
})

test('the well-known registries have a mirror each, at the path that clients ask', () => {
  const { path, builtIn = [], upstreamsOf } = oci.registries ?? {}
  expect(path).toBe('/v2/')
  expect(builtIn.map(({ registry }) => upstreamsOf?.(registry))).toEqual([
    [HUB],
    ['https://ghcr.io/'],
    ['https://gcr.io/'],
    [QUAY],
  ])
  expect(upstreamsOf?.('*')).toEqual([])
  expect(upstreamsOf?.('corp.example.test:8443')).toEqual(['https://corp.example.test:8443/'])
})
