import { createHash } from 'node:crypto'
import { setImmediate as turns } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Expectation, Lookup } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { buildsOf, versionsOf } from '../../harness/scripted-maven.ts'
import { BASE, FakeLookup, mirrorOf, OTHER, planFor, signal } from './fixtures.ts'

const JAR = 'org/x/lib/1.2/lib-1.2.jar'
const BUILD = 'org/x/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7.jar'
const LIST = 'org/x/lib/2.0-SNAPSHOT/maven-metadata.xml'
const hex = (algorithm: string) => createHash(algorithm).update('bytes').digest('hex')
const digest = (algorithm: string) => ({ digests: [{ algorithm, hex: hex(algorithm) }] })
const beside = (path: string, ...algorithms: string[]) =>
  Object.fromEntries(algorithms.map((algorithm) => [`${path}.${algorithm}`, hex(algorithm)]))

async function expectation(path: string, lookup: Lookup, on?: Mirror): Promise<Expectation | undefined> {
  const { expect: ask } = planFor(path, on)
  if (!ask) throw new Error(`nothing is expected of ${path}`)
  return ask(lookup, signal)
}

/** A lookup for a file that comes, or does not. */
function coming(lookup: FakeLookup, file: Promise<void>): FakeLookup & Lookup {
  file.catch(() => {})
  return Object.assign(lookup, { coming: () => file })
}

describe('what is expected of a file', () => {
  test.for([
    [['md5', 'sha1', 'sha256', 'sha512'], 'sha512'],
    [['md5', 'sha1', 'sha256'], 'sha256'],
    [['md5', 'sha1'], 'sha1'],
    [['md5'], 'md5'],
  ] as const)('beside which are %j is %s', async ([algorithms, strongest]) => {
    const lookup = new FakeLookup(beside(JAR, ...algorithms))
    expect(await expectation(JAR, lookup)).toEqual(digest(strongest))
    // md5 costs upstream a request only where it is all there is.
    const strong = ['sha512', 'sha256', 'sha1'].map((algorithm) => `${JAR}.${algorithm}`)
    expect(lookup.fetched).toEqual(strongest === 'md5' ? [...strong, `${JAR}.md5`] : strong)
  })

  test.for(['pom', 'module', 'jar.asc'])('of a small text, a %s, is sha1 where that is there', async (ending) => {
    const path = JAR.replace('jar', ending)
    const lookup = new FakeLookup(beside(path, 'md5', 'sha1', 'sha256', 'sha512'))
    expect([await expectation(path, lookup), lookup.fetched]).toEqual([digest('sha1'), [`${path}.sha1`]])
  })

  test('of a small text is the strongest other one where sha1 is absent or cannot be read', async () => {
    const path = JAR.replace('jar', 'pom')
    for (const code of ['UPSTREAM_ABSENT', 'UPSTREAM_CORRUPT'] as const) {
      const [strong, weak] = [new FakeLookup(beside(path, 'sha256', 'md5'), { [`${path}.sha1`]: code }), beside(path, 'md5')]
      expect(await expectation(path, strong)).toEqual(digest('sha256'))
      expect(strong.fetched).toEqual(['sha1', 'sha512', 'sha256'].map((algorithm) => `${path}.${algorithm}`))
      const asked = expectation(path, new FakeLookup(weak, { [`${path}.sha1`]: code }))
      if (code === 'UPSTREAM_ABSENT') expect(await asked).toEqual(digest('md5'))
      else await expect(asked).rejects.toThrow('upstream said no')
    }
  })

  test('is known before weaker ones have answered', async () => {
    const inner = new FakeLookup(beside(JAR, 'sha512'))
    const lookup: Lookup = {
      cached: (plan) => inner.cached(plan),
      fetch: (plan, until) => (plan.url.endsWith('.sha512') ? inner.fetch(plan, until) : new Promise(() => {})),
    }
    expect(await expectation(JAR, lookup)).toEqual(digest('sha512'))
  })

  test('is nothing where there is nothing, or nothing for us', async () => {
    expect(await expectation(JAR, new FakeLookup({}))).toEqual({ digests: [] })
    expect(await expectation(JAR, new FakeLookup({}, { [`${JAR}.sha256`]: 'UPSTREAM_DENIED' }))).toEqual({ digests: [] })
  })

  test('is the strongest that can be had', async () => {
    const lookup = new FakeLookup(beside(JAR, 'sha1', 'md5'), { [`${JAR}.sha512`]: 'UPSTREAM_FAILED' })
    expect(await expectation(JAR, lookup)).toEqual(digest('sha1'))
  })

  test('is unknown where one cannot be had and no other is there', async () => {
    const lookup = new FakeLookup({}, { [`${JAR}.sha1`]: 'UPSTREAM_CORRUPT' })
    await expect(expectation(JAR, lookup)).rejects.toThrow('upstream said no')
    await expect(expectation(JAR, new FakeLookup({}, { [`${JAR}.md5`]: 'UPSTREAM_TIMEOUT' }))).rejects.toThrow()
  })

  test('that changes is unknown rather than trouble', async () => {
    for (const path of ['org/x/lib/maven-metadata.xml', 'org/x/lib/1-SNAPSHOT/lib-1-SNAPSHOT.jar']) {
      expect(await expectation(path, new FakeLookup({}, { [`${path}.sha1`]: 'UPSTREAM_FAILED' }))).toBeUndefined()
      expect(await expectation(path, new FakeLookup(beside(path, 'sha1')))).toEqual(digest('sha1'))
    }
  })

  test('ends with whoever asks', async () => {
    const { expect: ask } = planFor('org/x/lib/maven-metadata.xml')
    await expect(ask?.(new FakeLookup({}), AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping')
  })
})

describe('of what may not be there', () => {
  const POM = JAR.replace('jar', 'pom')
  const group = mirrorOf([BASE, OTHER])
  const asked = async (path: string, lookup: FakeLookup, on?: Mirror) => {
    const finding = expectation(path, lookup, on).catch(() => 'never known')
    await turns()
    const algorithms = lookup.fetched.map((one) => one.slice(path.length + 1))
    return [await Promise.race([finding, 'waiting']), algorithms] as const
  }

  test.for([
    [POM, undefined, ['sha1']],
    [JAR, undefined, ['sha512', 'sha256', 'sha1']],
    [POM, group, ['sha1']],
    [JAR, group, ['sha1']],
  ] as const)('no more is asked about %s before it comes', async ([path, on, first]) => {
    const never = coming(new FakeLookup({}), new Promise(() => {}))
    expect(await asked(path, never, on)).toEqual(['waiting', first])
    const absent = coming(new FakeLookup({}), Promise.reject(new WarrenError('UPSTREAM_ABSENT', 'gone')))
    expect(await asked(path, absent, on)).toEqual(['never known', first])
    const [found, algorithms] = await asked(path, coming(new FakeLookup({}), Promise.resolve()), on)
    expect([found, new Set(algorithms)]).toEqual([{ digests: [] }, new Set(['sha512', 'sha256', 'sha1', 'md5'])])
  })

  test('the strongest is asked for at once where one shows that it is there', async () => {
    const lookup = coming(new FakeLookup(beside(JAR, 'sha1', 'sha512')), new Promise(() => {}))
    expect((await asked(JAR, lookup, group))[0]).toEqual(digest('sha512'))
    const weak = coming(new FakeLookup(beside(JAR, 'sha1')), new Promise(() => {}))
    expect((await asked(JAR, weak, group))[0]).toEqual(digest('sha1'))
  })
})

describe('a build of a snapshot', () => {
  test('with nothing beside it any more has the list looked at that names it', async () => {
    const list = buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240101.010101', 7)
    const lookup = new FakeLookup({ [LIST]: list })
    expect(await expectation(BUILD, lookup)).toEqual({ digests: [] })
    expect(lookup.fetched).toContain(LIST)
    const gone = coming(new FakeLookup({ [LIST]: list }), Promise.reject(new WarrenError('UPSTREAM_ABSENT', 'gone')))
    await expect(expectation(BUILD, gone)).rejects.toThrow('gone')
    expect(gone.fetched).toContain(LIST)
  })

  test('has no list looked at that does not name it', async () => {
    for (const documents of [{ [LIST]: buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240202.020202', 8) }, {}]) {
      const lookup = new FakeLookup(documents)
      expect(await expectation(BUILD, lookup)).toEqual({ digests: [] })
      expect(lookup.fetched).not.toContain(LIST)
    }
  })

  test('that is there has not', async () => {
    const lookup = new FakeLookup(beside(BUILD, 'sha1'))
    expect(await expectation(BUILD, lookup)).toEqual(digest('sha1'))
    expect(lookup.fetched).not.toContain(LIST)
  })
})

describe('when a version was published', () => {
  const published = (path: string, lookup: Lookup) => planFor(path).published?.(lookup, signal)
  const LISTING = 'org/x/lib/'
  const METADATA = 'org/x/lib/maven-metadata.xml'

  test.for([
    ['the central repository', '<a href="1.2/" title="1.2/">1.2/</a>      2023-05-06 07:08         -      '],
    ['Apache', '<td><a href="1.2/">1.2/</a></td><td align="right">2023-05-06 07:08  </td><td align="right">  - </td>'],
    ['nginx', '<a href="1.2/">1.2/</a>                        06-May-2023 07:08                   -'],
    ['one that writes whole paths', '<a class="x" href="/m2/org/x/lib/1%2E2/">1.2</a> 2023-05-06 07:08'],
  ] as const)('is what the list of %s prints', async ([, line]) => {
    const listing = `<html><pre><a href="../">../</a>\n<a href="1.1/">1.1/</a> 2022-01-01 00:00 -\n${line}\n</pre></html>`
    expect(await published(JAR, new FakeLookup({ [LISTING]: listing }))).toBe(Date.UTC(2023, 4, 6, 7, 8))
  })

  test('is at the latest when the metadata were updated that have it, where nothing is listed', async () => {
    const metadata = versionsOf('org.x', 'lib', ['1.1', '1.2'], '20240102030405')
    const lookup = new FakeLookup({ [METADATA]: metadata, [LISTING]: '<a href="1.2/">1.2/</a> - -' })
    expect(await published(JAR, lookup)).toBe(Date.UTC(2024, 0, 2, 3, 4, 5))
    expect(await published('org/x/lib/1.1/lib-1.1.jar', lookup)).toBe(Date.UTC(2024, 0, 2, 3, 4, 5))
    expect(await published('org/x/lib/1.3/lib-1.3.jar', lookup)).toBeUndefined()
    expect(await published(JAR, new FakeLookup({}))).toBeUndefined()
  })

  test('is looked for where the versions are, in the layout of Ivy as well', async () => {
    const lookup = new FakeLookup({ 'com.corp/plug/scala_2.12/': '<a href="0.3/">0.3/</a> 2023-05-06 07:08' })
    expect(await published('com.corp/plug/scala_2.12/0.3/jars/plug.jar', lookup)).toBe(Date.UTC(2023, 4, 6, 7, 8))
  })

  test('cannot be said while upstream is away', async () => {
    await expect(published(JAR, new FakeLookup({}, { [LISTING]: 'UPSTREAM_TIMEOUT' }))).rejects.toThrow()
  })

  test('of a snapshot is what lists its files, and never what stands in its name', async () => {
    const SNAPSHOT = BUILD.replace('20240101.010101-7', 'SNAPSHOT')
    const name = (path: string) => path.slice(path.lastIndexOf('/') + 1)
    for (const path of [BUILD, SNAPSHOT]) {
      const listing = `<a href="${name(path)}">x</a> 2024-05-06 07:08 12`
      const lookup = new FakeLookup({
        'org/x/lib/2.0-SNAPSHOT/': listing,
        [LISTING]: '<a href="2.0-SNAPSHOT/">x</a> 2020-01-01 00:00',
      })
      expect(await published(path, lookup)).toBe(Date.UTC(2024, 4, 6, 7, 8))
      expect(await published(path, new FakeLookup({}))).toBeUndefined()
    }
    const builds = new FakeLookup({ [LIST]: buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240202.020202', 8) })
    expect(await published(BUILD.replace('20240101.010101-7', '20240202.020202-8-tests'), builds)).toBe(
      Date.UTC(2024, 1, 2, 2, 2, 2),
    )
    expect(await published(BUILD, builds)).toBeUndefined()
    const old =
      '<metadata><version>2.0-SNAPSHOT</version><versioning><snapshot><timestamp>20240101.010101</timestamp><buildNumber>7</buildNumber></snapshot><lastUpdated>20240303030303</lastUpdated></versioning></metadata>'
    expect(await published(BUILD, new FakeLookup({ [LIST]: old }))).toBe(Date.UTC(2024, 2, 3, 3, 3, 3))
  })

  test('is the last time of all that a file may be of, and is asked of what fits no layout as well', async () => {
    const lookup = new FakeLookup({
      'com.corp/lib/': '<a href="1.0/">x</a> 2023-01-01 00:00',
      'com.corp/lib/1.0/': '<a href="jars/">x</a> 2024-01-01 00:00',
      'com/corp/lib/': '<a href="latest/">x</a> 2023-05-06 07:08',
    })
    expect(await published('com.corp/lib/1.0/jars/lib-jars.jar', lookup)).toBe(Date.UTC(2024, 0, 1))
    expect(await published('com/corp/lib/latest/lib.jar', lookup)).toBe(Date.UTC(2023, 4, 6, 7, 8))
  })
})
