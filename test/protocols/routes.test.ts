import { describe, expect, test } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { parseKey } from '../../node/cache/plan.ts'
import { loadConfig } from '../../node/config/load.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { isWarrenError } from '../../node/errors.ts'
import { protocols } from '../../protocols/index.ts'
import type { Mirror, Protocol } from '../../protocols/protocol.ts'

const HEX = 'ab'.repeat(32)
const PUBLIC = 'https://public.example.test/base/'
const CORP = 'https://corp.example.test/base/'

interface Case {
  /** Patterns that bind all of `bound`, each by itself, and none of `free`. */
  readonly patterns: readonly string[]
  readonly bound: readonly string[]
  readonly free: readonly string[]
}

/** Paths below the mount, as clients ask. */
const CASES: Readonly<Record<string, Case>> = {
  npm: {
    patterns: ['@corp/*', '@corp', '@corp/', '@corp/x', '*corp*', '@corp/x*', '@CORP/*'],
    bound: [
      '@corp/x',
      '@Corp/X',
      '@corp%2fx',
      '%40corp%2Fx',
      '@corp/x/1.0.0',
      '@corp/x/latest',
      '@corp/x/-/x-1.0.0.tgz',
      '-/package/@corp%2fx/dist-tags',
      '-/npm/v1/attestations/@corp%2fx@1.0.0',
    ],
    free: ['corq/-/corp-1.0.0.tgz', '@corq/x', 'left-pad', '-/npm/v1/keys'],
  },
  oci: {
    patterns: ['corp/*', 'corp', 'Corp/App', 'corp/app*'],
    bound: [
      'corp/app/manifests/latest',
      `corp/app/manifests/sha256:${HEX}`,
      `corp/app/blobs/sha256:${HEX}`,
      'corp/app/tags/list',
      `corp/app/referrers/sha256:${HEX}`,
    ],
    free: ['corporate/app/manifests/latest', `library/corp/blobs/sha256:${HEX}`],
  },
  cargo: {
    patterns: ['corp-*', 'Corp_*', 'CORP-tool', '*corp*'],
    bound: ['co/rp/corp-tool', 'co/rp/corp_tool', `crates/corp-tool/1.0.0/${HEX}.crate`, 'crates/Corp_Tool/1.0.0/download'],
    free: ['se/rd/serde', 'config.json', `crates/serde/1.0.0/${HEX}.crate`],
  },
  go: {
    patterns: [
      'git.corp.test/*',
      'git.corp.test',
      'GIT.corp.test/*',
      'Git.Corp*/Team',
      'git.corp.test/Team',
      '*.corp.test',
      '*Team*',
      'git.corp.test/Team/x',
    ],
    bound: [
      'git.corp.test/!team/x/@v/list',
      'git.corp.test/%21team/x/@latest',
      'git.corp.test/!team/x/@v/v1.0.0.info',
      'git.corp.test/!team/x/@v/v1.0.0.mod',
      'git.corp.test/!team/x/@v/v1.0.0.zip',
    ],
    free: ['git.corp.testing/x/@v/list', 'example.test/corp.test/x/@v/list'],
  },
  maven: {
    patterns: ['com.corp', 'com.corp.*', 'com.corp.lib*', 'com.corp.lib:tool'],
    bound: [
      'com/corp/lib/tool/1.0/tool-1.0.jar',
      'com/corp/lib/tool/1.0/tool-1.0.pom.sha1',
      'com/corp/lib/tool/1.0-SNAPSHOT/maven-metadata.xml',
      'com/corp/lib/tool/maven-metadata.xml',
    ],
    free: ['com/corporate/tool/1.0/tool-1.0.jar', 'org/com/corp/tool/1.0/tool-1.0.jar'],
  },
  pypi: {
    patterns: ['corp-*', 'Corp_*', 'corp.tool', 'CORP*'],
    bound: [
      'simple/corp-tool/',
      `files/corp-tool/${HEX}/corp_tool-1.0-py3-none-any.whl`,
      `files/corp-tool/-/corp_tool-1.0.tar.gz`,
      `files/corp-tool/${HEX}/corp_tool-1.0-py3-none-any.whl.metadata`,
    ],
    free: ['simple/requests/', `files/requests/${HEX}/corp_tool-1.0.tar.gz`],
  },
  raw: {
    patterns: ['releases/corp/*', 'releases/corp', 'releases/corp/tool.tar.gz'],
    bound: [
      'releases/corp/tool.tar.gz',
      'releases%2Fcorp%2Ftool.tar.gz',
      'releases/corp/tool.tar.gz.sha256',
      'releases/corp/tool.tar.gz.sha256.asc',
    ],
    free: ['releases/corporate/tool.tar.gz', 'dists/stable/InRelease'],
  },
}

/** A mirror of the protocol as the configuration has it. */
function mirrorOf(protocol: string, entry: object): MirrorConfig {
  const registry = protocol === 'oci' ? { registry: 'images.example.test' } : {}
  const mirrors = JSON.stringify({ 'docker-hub': false, m: { protocol, ...registry, upstreams: [PUBLIC], ...entry } })
  const { config } = loadConfig({ env: { WARREN_MIRRORS: mirrors }, home: '/home/ann', flags: new Map(), ecosystems })
  const mirror = config.mirrors.find(({ name }) => name === 'm')
  if (!mirror) throw new Error('it is not there')
  return mirror
}

/** Bases of what is asked; the code of the error where nobody is. */
function askedBy(name: string, mirror: MirrorConfig, path: string): readonly string[] {
  try {
    const route = protocolOf(name)?.route({ method: 'GET', path, query: '', headers: {} }, mirror)
    if (route && 'plans' in route) {
      for (const { url, base } of route.plans) expect(new URL(url).origin).toBe(new URL(base).origin)
      return [...new Set(route.plans.map(({ base }) => base))]
    }
    return route && 'pass' in route ? [route.pass.base] : []
  } catch (error) {
    if (!isWarrenError(error)) throw error
    return [error.code]
  }
}

/** Keys of what clients ask for at one upstream, where nothing is bound; by path. */
function keysAt(name: string, base: string, paths: readonly string[]): readonly (readonly [path: string, key: string])[] {
  const mirror = mirrorOf(name, { upstreams: [base] })
  return paths.flatMap((path) => {
    const route = protocolOf(name)?.route({ method: 'GET', path, query: '', headers: {} }, mirror)
    return route && 'plans' in route ? route.plans.map(({ key }) => [path, key] as const) : []
  })
}

/** Where what keys name is asked, for members who name it. */
function plannedBy(name: string, mirror: Mirror, keys: ReturnType<typeof keysAt>) {
  return keys.map(([path, key]) => {
    const named = parseKey(key)
    return [path, named && protocolOf(name)?.planOf(named, mirror)?.base]
  })
}

function protocolOf(name: string): Protocol | undefined {
  return protocols.find((one) => one.name === name)
}

test.for([
  ['go', '*.Corp.test/*'],
  ['go', 'git.corp.test/!team/*'],
  ['go', 'git.corp.test/%21team'],
  ['npm', '@corp%2f*'],
  ['npm', '@corp/x,@corp/y'],
])('%s refuses %s, which would bind nothing', ([protocol, pattern]) => {
  expect(() => mirrorOf(protocol as string, { routes: { [pattern as string]: CORP } })).toThrow(pattern)
})

test.for([
  ['nginx', CORP, PUBLIC],
  ['library/nginx', CORP, PUBLIC],
  ['nginx*', CORP, PUBLIC],
  ['library', CORP, CORP],
] as const)('of Docker Hub %s is meant as people write it', ([pattern, official, others]) => {
  const mirror = mirrorOf('oci', { registry: 'docker.io', routes: { [pattern]: CORP } })
  expect(askedBy('oci', mirror, 'library/nginx/manifests/latest')).toEqual([official])
  expect(askedBy('oci', mirror, 'nginx/manifests/latest')).toEqual([official])
  expect(askedBy('oci', mirror, 'library/redis/manifests/latest')).toEqual([others])
  expect(askedBy('oci', mirror, 'corp/nginx/manifests/latest')).toEqual([PUBLIC])
})

test('every protocol is here', () => {
  expect(Object.keys(CASES).sort()).toEqual(protocols.map(({ name }) => name).sort())
})

describe.for(Object.entries(CASES))('%s', ([name, { patterns, bound, free }]) => {
  const cases = patterns.map((pattern) => [pattern] as const)

  test.for(cases)('asks for what %s binds at its upstream only', ([pattern]) => {
    const mirror = mirrorOf(name, { routes: { [pattern]: CORP } })
    expect(bound.map((path) => [path, askedBy(name, mirror, path)])).toEqual(bound.map((path) => [path, [CORP]]))
    expect(free.map((path) => [path, askedBy(name, mirror, path)])).toEqual(free.map((path) => [path, [PUBLIC]]))
  })

  test.for(cases)('asks nobody for what %s binds to none', ([pattern]) => {
    const mirror = mirrorOf(name, { routes: { [pattern]: false } })
    expect(bound.map((path) => [path, askedBy(name, mirror, path)])).toEqual(bound.map((path) => [path, ['UPSTREAM_ABSENT']]))
    expect(free.map((path) => [path, askedBy(name, mirror, path)])).toEqual(free.map((path) => [path, [PUBLIC]]))
  })

  test.for(cases)('plans for a member at its upstream only what %s binds', ([pattern]) => {
    const [here, there] = [keysAt(name, CORP, bound), keysAt(name, PUBLIC, bound)]
    const mirror = mirrorOf(name, { routes: { [pattern]: CORP } })
    expect(here.length).toBeGreaterThanOrEqual(bound.length / 2)
    expect(plannedBy(name, mirror, here)).toEqual(here.map(([path]) => [path, CORP]))
    expect(plannedBy(name, mirror, there)).toEqual(there.map(([path]) => [path, undefined]))
    expect(plannedBy(name, mirrorOf(name, { routes: { [pattern]: false } }), [...here, ...there])).toEqual(
      [...here, ...there].map(([path]) => [path, undefined]),
    )
    const others = keysAt(name, PUBLIC, free)
    expect(plannedBy(name, mirror, others)).toEqual(others.map(([path]) => [path, PUBLIC]))
  })

  test('plans for a member nothing at an upstream that is none of the mirror, or that a client named', () => {
    const keys = keysAt(name, PUBLIC, [...bound, ...free])
    const nothing = keys.map(([path]) => [path, undefined])
    const mirror = mirrorOf(name, { upstreams: [CORP] })
    expect(plannedBy(name, mirror, keys)).toEqual(nothing)
    expect(plannedBy(name, { ...mirror, upstreams: [PUBLIC], onDemand: true }, keys)).toEqual(nothing)
    expect(plannedBy(name, { ...mirror, upstreams: [PUBLIC.toUpperCase(), `${PUBLIC}x/`] }, keys)).toEqual(nothing)
    expect(plannedBy(name, { ...mirror, upstreams: [PUBLIC] }, keys)).toEqual(keys.map(([path]) => [path, PUBLIC]))
  })

  test('asks several upstreams in order', () => {
    const mirror = mirrorOf(name, { upstreams: [CORP, PUBLIC] })
    const all = [...bound, ...free]
    expect(new Set(all.flatMap((path) => askedBy(name, mirror, path)))).toEqual(new Set([CORP, PUBLIC]))
    for (const path of all) expect(askedBy(name, mirror, path)[0]).toBe(CORP)
  })
})
