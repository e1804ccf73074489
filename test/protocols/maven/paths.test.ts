import { describe, expect, test } from 'vitest'
import { parsePath, upstreamPath } from '../../../protocols/maven/paths.ts'

/** What a path names, in a word or two. */
function read(path: string): string {
  const resource = parsePath(path)
  if (resource.kind === 'checksum') return `${resource.algorithm} of ${read(resource.of.path)}`
  if (resource.kind === 'metadata') return resource.of.what
  if (resource.kind !== 'file') return resource.kind
  const { kind, group, artifact, version } = resource.placed
  return `${kind} ${group}:${artifact}:${version}`
}

describe('a path', () => {
  test.for([
    ['org/x/lib/1.2/lib-1.2.jar', 'release org.x:lib:1.2'],
    ['org/x/lib/1.2/lib-1.2-sources.jar', 'release org.x:lib:1.2'],
    ['org/x/lib/1.2/lib-1.2.pom.asc', 'release org.x:lib:1.2'],
    ['org/x/lib/1.2/lib-1.2.jar.asc.sha1', 'sha1 of release org.x:lib:1.2'],
    ['org/x/lib/1.2/lib-1.2.module.sha512', 'sha512 of release org.x:lib:1.2'],
    ['a/b/r03/b-r03.jar', 'release a:b:r03'],
    // What decides is the directory of the version.
    ['org/x/foo-SNAPSHOT/1.0/foo-SNAPSHOT-1.0.jar', 'release org.x:foo-SNAPSHOT:1.0'],
    ['org/x/SNAPSHOT/lib/1.0/lib-1.0.jar', 'release org.x.SNAPSHOT:lib:1.0'],
    ['org/x/lib/2.0-SNAPSHOT/lib-2.0-SNAPSHOT.jar', 'snapshot org.x:lib:2.0-SNAPSHOT'],
    ['org/x/lib/2.0-snapshot/lib-2.0-snapshot.jar', 'snapshot org.x:lib:2.0-snapshot'],
    ['org/x/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7.pom', 'build org.x:lib:2.0-SNAPSHOT'],
    ['org/x/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7-tests.jar', 'build org.x:lib:2.0-SNAPSHOT'],
    ['org/x/a-2.0-b/2.0-SNAPSHOT/a-2.0-b-2.0-20240101.010101-7.jar', 'build org.x:a-2.0-b:2.0-SNAPSHOT'],
    ['org/x/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7.jar.sha1', 'sha1 of build org.x:lib:2.0-SNAPSHOT'],
    ['org/x/lib/2.0-SNAPSHOT/lib-2.0-20240101.jar', 'snapshot org.x:lib:2.0-SNAPSHOT'],
    ['org/x/lib/SNAPSHOT/lib-SNAPSHOT.jar', 'snapshot org.x:lib:SNAPSHOT'],
    ['org/x/lib/maven-metadata.xml', 'versions'],
    ['org/maven-metadata.xml', 'versions'],
    ['org/x/lib/maven-metadata.xml.sha256', 'sha256 of versions'],
    ['org/x/lib/2.0-SNAPSHOT/maven-metadata.xml', 'builds'],
    ['org/x/lib/2.0-SNAPSHOT/maven-metadata.xml.md5', 'md5 of builds'],
    ['org/x/sbt-plug_2.12_1.0/0.3/sbt-plug-0.3.jar', 'release org.x:sbt-plug_2.12_1.0:0.3'],
    ['com.corp/plug/scala_2.12/sbt_1.0/0.3/jars/plug.jar', 'release com.corp:plug:0.3'],
    ['com/corp/thing/1.0/ivys/ivy.xml', 'release com.corp:thing:1.0'],
    ['com.corp/thing/1.0-SNAPSHOT/jars/thing.jar', 'snapshot com.corp:thing:1.0-SNAPSHOT'],
    ['com.corp/thing/1.0/thing.jar', 'release com.corp:thing:1.0'],
    ['com.corp/thing/1.0/ivy.xml', 'release com.corp:thing:1.0'],
    ['com.corp/thing/1.0/ivy-1.0.xml', 'release com.corp:thing:1.0'],
    ['com.corp/lib/1.0/jars/lib-jars.jar', 'release com.corp:lib:1.0'],
    ['com.corp/plug/scala_2.12/sbt_1.0/0.3/jars/plug-jars.jar', 'release com.corp:plug:0.3'],
    ['thing/jars/thing-1.0.jar', 'other'],
    ['org/x/lib/latest/lib-latest.jar', 'other'],
    ['org/x/lib/nightly/jars/lib.jar', 'other'],
    ['archetype-catalog.xml', 'other'],
    ['archetype-catalog.xml.sha1', 'sha1 of other'],
    ['maven-metadata.xml', 'other'],
    ['.index/nexus-maven-repository-index.gz', 'other'],
    ['.meta/prefixes.txt', 'prefixes'],
    ['.meta/prefixes.txt.sha1', 'sha1 of prefixes'],
    ['', 'directory'],
    ['org/', 'directory'],
    ['org/x/lib/1.2/', 'directory'],
  ] as const)('%s is a %s', ([path, expected]) => {
    expect(read(path)).toBe(expected)
  })

  test.for([
    ['org/x/lib/1.0%2Bb/lib-1.0%2bb.jar', 'org/x/lib/1.0+b/lib-1.0+b.jar'],
    ['org%2Fx/lib/1.0+b/lib-1.0+b.jar', 'org/x/lib/1.0+b/lib-1.0+b.jar'],
    ['org/x/lib/1%7E2/lib-1~2.jar', 'org/x/lib/1~2/lib-1~2.jar'],
    ['org/x/lib/1 2/lib-1%202.jar', 'org/x/lib/1%202/lib-1%202.jar'],
    ['org/x/lib/1%40x/lib-1@x.jar', 'org/x/lib/1@x/lib-1@x.jar'],
    ['org/x/%7Blib%7D/', 'org/x/%7Blib%7D/'],
    ['', ''],
  ] as const)('%s is asked for as %s', ([path, expected]) => {
    expect(upstreamPath(parsePath(path))).toBe(expected)
    expect(parsePath(expected)).toEqual(parsePath(path))
  })

  test.for([
    '..',
    'a/../b',
    'a/%2e%2e/b',
    'a//b',
    '/a',
    '//',
    'a%252fb',
    'a%00',
    'a\\b',
    'a%5cb',
    'a?b',
    'a%23',
    'org/x/lib/1.0;x/lib-1.0.jar',
    'org/x/lib/1.0%3Bx/lib-1.0.jar',
    '..;/x',
    '..;a=b/org/x/lib/1.0/lib-1.0.jar',
    'ä',
    '%ff',
    'a'.repeat(2000),
    // All that hundreds of directories could mean is a quarter of a second of work, where names are bound.
    `${'a/'.repeat(48)}b`,
  ])('%j is refused', (path) => {
    expect(() => parsePath(path)).toThrow(/is no path of a Maven repository/)
  })

  test('that is deeper than any real one is read', () => {
    expect(parsePath(`${'a/'.repeat(47)}b`).kind).toBe('other')
  })
})
