import { describe, expect, test } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { maven } from '../../../protocols/maven/index.ts'
import type { NameRoute } from '../../../protocols/protocol.ts'
import { BASE, mirrorOf, OTHER, planFor, route } from './fixtures.ts'

const CORP = 'https://corp.example.test/'
const JAR = 'org/x/lib/1.2/lib-1.2.jar'

/** Where a path is asked; the code of the error where it is asked nowhere. */
function askedAt(path: string, routes: readonly Omit<NameRoute, 'levels'>[]): readonly string[] | string {
  try {
    const on = mirrorOf(
      [BASE, OTHER],
      routes.map((one) => ({ ...one, levels: '.:' })),
    )
    return [...new Set(route(path, on).plans.map(({ base }) => base))]
  } catch (error) {
    if (error instanceof WarrenError) return error.code
    throw error
  }
}

describe('the protocol', () => {
  test('has the central repository as its upstream, which is a folder', () => {
    expect(maven.defaultUpstreams.length).toBe(1)
    for (const url of maven.defaultUpstreams) expect(new URL(url).href).toMatch(/^https:\/\/.*[^/]\/$/)
  })

  test.for(['com.corp', 'com.*.x', 'com.corp:lib', 'com.corp:lib.*', '*:lib', '*'])('takes %s for a pattern', (pattern) => {
    expect(maven.names?.canonical?.(pattern)).toBe(pattern)
  })

  test('takes all below a group for the group', () => {
    expect(maven.names?.canonical?.('com.corp.*')).toBe('com.corp')
  })

  test.for(['', 'com/corp', 'com.corp/*', 'a:b:c', 'a b', ':', 'a:', '.a', 'a..b', '.*'])(
    'does not take %j for one',
    (pattern) => {
      expect(maven.names?.canonical?.(pattern)).toBeUndefined()
    },
  )

  test('is for reading only', () => {
    for (const method of ['PUT', 'POST', 'DELETE', 'x\r\n'])
      expect(() => maven.route({ method, path: JAR, query: '', headers: {} }, mirrorOf())).toThrow(/read cache/)
  })
})

describe('plans', () => {
  test('say which package they are of', () => {
    const lib = { type: 'maven', namespace: 'org.x', name: 'lib' }
    expect(planFor(JAR).subject).toEqual({ ...lib, version: '1.2' })
    expect(planFor(`${JAR}.sha1`).subject).toEqual({ ...lib, version: '1.2' })
    expect(planFor('org/x/lib/maven-metadata.xml').subject).toEqual(lib)
    expect(planFor('org/x/lib/2-SNAPSHOT/maven-metadata.xml').subject).toEqual({ ...lib, version: '2-SNAPSHOT' })
    expect(planFor('com.corp/plug/scala_2.12/sbt_1.0/0.3/jars/plug.jar').subject).toEqual({
      type: 'maven',
      namespace: 'com.corp',
      name: 'plug',
      version: '0.3',
    })
    expect(planFor('org/').subject).toBeUndefined()
  })

  test('say what else it may be of where a path can be read in several ways', () => {
    const named = (path: string) => {
      const { subject, readings = [] } = planFor(path)
      return (subject ? [subject, ...readings] : []).map(({ namespace, name, version }) => `${namespace}:${name}:${version}`)
    }
    expect(named(JAR)).toEqual(['org.x:lib:1.2'])
    expect(named('com.corp/lib/1.0/jars/lib-jars.jar')).toEqual(['com.corp:lib:1.0', 'com.corp.lib:1.0:jars'])
    expect(named('com.corp/lib/1.0/jars/lib-jars.jar.sha1')).toEqual(['com.corp:lib:1.0', 'com.corp.lib:1.0:jars'])
    expect(named('com.corp/lib/r03/jars/lib-jars.jar')).toEqual(['com.corp:lib:r03', 'com.corp.lib:r03:jars'])
    expect(named('com.corp/plug/scala_2.12/0.3/plug-0.3.jar')).toEqual(['com.corp.plug:scala_2.12:0.3', 'com.corp:plug:0.3'])
    expect(named('com/corp/lib/latest/x.jar')).toEqual(['com.corp:lib:latest', 'com:corp:lib', 'com.corp.lib:latest:undefined'])
    expect(named('com/corp/x.jar.md5')).toEqual(['com:corp:undefined'])
    for (const path of ['archetype-catalog.xml', '.index/chunks/x.gz', 'a/x.gz', '.meta/prefixes.txt'])
      expect(named(path)).toEqual([])
  })

  test('keep what never changes for good and look at the rest within a minute', () => {
    expect([planFor(JAR).kind, planFor(`${JAR}.sha1`).kind, planFor(`${JAR}.asc`).kind]).toEqual(Array(3).fill('immutable'))
    for (const path of ['org/x/lib/maven-metadata.xml', 'org/x/lib/1-SNAPSHOT/lib-1-SNAPSHOT.jar.sha1', 'org/', 'a.txt']) {
      const { kind, lifetime } = planFor(path)
      expect([path, kind, lifetime?.cap]).toEqual([path, 'mutable', 60_000])
    }
    expect(planFor('a.txt', { ...mirrorOf(), lifetime: 1_000 }).lifetime).toEqual({ floor: 1_000, cap: 1_000 })
  })

  test('have keys that tell artifacts apart by their capitals, and those of one name at several upstreams', () => {
    expect(planFor('org/x/Lib/1/Lib-1.jar').key).not.toBe(planFor('org/x/lib/1/lib-1.jar').key)
    const [one, two] = route(JAR, mirrorOf([BASE, OTHER])).plans
    expect(one.key).not.toBe(two?.key)
  })

  test('merge what the members of a group list, and nothing else', () => {
    const group = mirrorOf([BASE, OTHER])
    expect(route('org/x/lib/maven-metadata.xml', group)).toMatchObject({ all: true, plans: [{ base: BASE }, { base: OTHER }] })
    expect(route('org/x/lib/maven-metadata.xml').rendition).toBeUndefined()
    for (const path of [JAR, `${JAR}.sha1`, 'archetype-catalog.xml', 'org/']) expect(route(path, group).all).toBeUndefined()
    expect(() => route('.meta/prefixes.txt', group)).toThrow(/prefixes/)
    const bound = (upstream: string | undefined) => mirrorOf([BASE], [{ pattern: 'com.corp', upstream, levels: '.:' }])
    expect(() => route('.meta/prefixes.txt.sha1', bound(CORP))).toThrow(/prefixes/)
    expect(route('.meta/prefixes.txt', bound(undefined)).plans.length).toBe(1)
  })

  test('offer versions where versions are listed', () => {
    for (const path of ['org/x/lib/maven-metadata.xml', 'org/x/lib/maven-metadata.xml.sha1'])
      expect(route(path).offers).toBeDefined()
    for (const path of [JAR, 'org/x/lib/1-SNAPSHOT/maven-metadata.xml']) expect(route(path).offers).toBeUndefined()
  })

  test('have renditions whose names tell them apart', () => {
    const ids = ['', '.md5', '.sha1', '.sha256', '.sha512'].flatMap((ending) =>
      [mirrorOf(), mirrorOf([BASE, OTHER])].flatMap(
        (on) => route(`org/x/lib/maven-metadata.xml${ending}`, on).rendition?.id ?? [],
      ),
    )
    expect(new Set(ids).size).toBe(9)
  })
})

describe('a route', () => {
  test.for([
    ['com.corp', 'com/corp/lib/1/lib-1.jar', [CORP]],
    ['com.corp', 'com/corp/lib/1/lib-1.jar.sha1', [CORP]],
    ['com.corp', 'com/corp/sub/lib/1/lib-1.pom', [CORP]],
    ['com.corp', 'com/corporate/lib/1/lib-1.pom', [BASE, OTHER]],
    ['com.corp', 'com/corp/lib/maven-metadata.xml', [CORP]],
    ['com.corp', 'com/corp/maven-metadata.xml', [CORP]],
    ['com.corp', 'com/corp/lib/maven-metadata.xml.sha1', [CORP]],
    ['com.corp', 'com/corp/lib/1-SNAPSHOT/maven-metadata.xml', [CORP]],
    ['com.corp', 'com/corp/', [CORP]],
    ['com.corp', 'com/corp/lib/', [CORP]],
    ['com.corp', 'com/corp/lib/odd.txt', [CORP]],
    ['com.corp', 'com/', [BASE, OTHER]],
    ['com.corp', 'com.corp/lib/1/jars/lib.jar', [CORP]],
    ['com.corp', 'com.corp/lib/', [CORP]],
    ['com.corp:lib', 'com/corp/lib/1/lib-1.jar', [CORP]],
    ['com.corp:lib', 'com/corp/lib/maven-metadata.xml', [CORP]],
    ['com.corp:lib', 'com/corp/lib/1/', [CORP]],
    ['com.corp:lib', 'com.corp/lib/1.0/jars/lib-jars.jar', [CORP]],
    ['com.corp:lib', 'com.corp/lib/r03/jars/lib-jars.jar', [CORP]],
    ['com.corp:lib', 'com.corp/lib/1.0/jars/lib-jars.jar.sha1', [CORP]],
    ['com.corp.lib:1.0', 'com.corp/lib/1.0/jars/lib-jars.jar', [CORP]],
    ['com.corp:plug', 'com.corp/plug/scala_2.12/sbt_1.0/0.3/plug-0.3.jar', [CORP]],
    ['com.corp:lib', 'com/corp/lib/sub/1/sub-1.jar', [BASE, OTHER]],
    ['com.corp:lib', 'com/corp/library/1/library-1.jar', [BASE, OTHER]],
  ] as const)('for %s has %s asked at %j', ([pattern, path, expected]) => {
    expect(askedAt(path, [{ pattern, upstream: CORP }])).toEqual(expected)
  })

  test('to nowhere is an absence, and the first one counts', () => {
    const routes = [
      { pattern: 'com.corp.open', upstream: CORP },
      { pattern: 'com.corp', upstream: undefined },
    ]
    expect(askedAt('com/corp/open/lib/1/lib-1.jar', routes)).toEqual([CORP])
    expect(askedAt('com/corp/lib/1/lib-1.jar', routes)).toBe('UPSTREAM_ABSENT')
    expect(askedAt(JAR, routes)).toEqual([BASE, OTHER])
  })
})

describe('an error', () => {
  test('is one line of text with what to do', () => {
    const corrupt = new WarrenError('UPSTREAM_CORRUPT', 'wrong bytes\n    at stack')
    expect(maven.formatError(corrupt, '')).toEqual({
      contentType: 'text/plain; charset=utf-8',
      body: 'wrong bytes; nothing of it was kept; try again, and tell whoever runs the repository if it stays so\n',
    })
    const busy = new WarrenError('UPSTREAM_BUSY', 'x'.repeat(1000), { retryAfter: 7 })
    expect(maven.formatError(busy, '').body).toMatch(/^x{500}; try again in 7 s\n$/)
    expect(maven.formatError(new WarrenError('UPSTREAM_ABSENT', 'no'), '').body).toBe('no\n')
  })
})
