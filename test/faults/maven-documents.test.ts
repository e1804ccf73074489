import { describe, expect, it, test } from 'vitest'
import { readMetadata } from '../../protocols/maven/metadata.ts'
import { answer, serve } from '../harness/answer.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { buildsOf, hexOf, type ScriptedMaven, versionsOf } from '../harness/scripted-maven.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { type MavenNode, nodeBefore, repository } from './maven-node.ts'

const METADATA = 'org/x/lib/maven-metadata.xml'
const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512'] as const
const SNAPSHOT = 'org/x/lib/2.0-SNAPSHOT'

useLeakCheck()
const temp = useTempFolders()

async function versionsAt(node: MavenNode): Promise<readonly string[]> {
  return readMetadata(Buffer.from(await node.text(METADATA))).versions
}

/** Puts the list of versions with its checksums. */
function publish(repo: ScriptedMaven, versions: readonly string[], lastUpdated?: string): ScriptedMaven {
  return repo.deploy(METADATA, versionsOf('org.x', 'lib', versions, lastUpdated))
}

describe('metadata and their checksums', () => {
  it('are of one moment when upstream replaces them in between', async () => {
    const repo = await repository()
    const [old, now] = [versionsOf('org.x', 'lib', ['1.0']), versionsOf('org.x', 'lib', ['1.0', '1.1'])]
    repo.upstream.on(`/m2/${METADATA}`, serve(old), serve(now))
    repo.put(`${METADATA}.sha1`, hexOf('sha1', now))
    const node = await nodeBefore(temp, [repo])
    expect(await node.text(METADATA)).toBe(now)
    expect(await node.text(`${METADATA}.sha1`)).toBe(hexOf('sha1', now))
    expect(repo.count(METADATA)).toBe(2)
  })

  it('fit also while upstream is gone or has newer ones', async () => {
    const repo = publish(await repository(), ['1.0'])
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    const first = await node.text(METADATA)
    expect(await node.text(`${METADATA}.sha1`)).toBe(hexOf('sha1', first))
    await repo.upstream.gone()
    clock.pass(3_600_000)
    expect([await node.text(METADATA), await node.text(`${METADATA}.sha1`)]).toEqual([first, hexOf('sha1', first)])
    await repo.upstream.back()
    publish(repo, ['1.0', '1.1'])
    clock.pass(3_600_000)
    await eventually('the new version shows', async () => (await versionsAt(node)).includes('1.1'))
    expect(await node.text(`${METADATA}.sha1`)).toBe(hexOf('sha1', await node.text(METADATA)))
  })

  it('that never fit are trouble, and a good older document stays', async () => {
    const repo = publish(await repository(), ['1.0'])
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    const first = await node.text(METADATA)
    repo.put(METADATA, versionsOf('org.x', 'lib', ['6.6.6']))
    clock.pass(3_600_000)
    const stale = await node.ask(METADATA)
    expect([stale.status, stale.body.toString(), stale.headers['x-warren-source']]).toEqual([200, first, 'stale'])
    const fresh = await nodeBefore(temp, [repo])
    expect((await fresh.ask(METADATA)).status).toBe(503)
  })

  it('have those checksums that upstream has, and no others', async () => {
    const repo = await repository()
    repo.checksums = ['sha1', 'sha256']
    publish(repo, ['1.0'])
    const node = await nodeBefore(temp, [repo])
    const text = await node.text(METADATA)
    for (const algorithm of ALGORITHMS) {
      const reply = await node.ask(`${METADATA}.${algorithm}`)
      const exists = repo.checksums.includes(algorithm)
      expect([algorithm, reply.status]).toEqual([algorithm, exists ? 200 : 404])
      if (exists) expect(reply.body.toString()).toBe(hexOf(algorithm, text))
    }
    expect((await node.ask('org/y/lib/maven-metadata.xml.sha1')).status).toBe(404)
  })

  it('show a new release within a minute', async () => {
    const repo = publish(await repository(), ['1.0'])
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    expect(await versionsAt(node)).toEqual(['1.0'])
    publish(repo, ['1.0', '1.1'])
    clock.pass(60_000)
    const { body } = await node.ask(METADATA, { headers: { 'cache-control': 'no-cache' } })
    expect(readMetadata(body).versions).toEqual(['1.0', '1.1'])
  })

  test.for([
    ['half of it', '<metadata><versioning><versions><version>1.0</version>'],
    ['nothing', ''],
    ['another document', '<project/>'],
    ['a word', 'metadata'],
  ] as const)('that are %s are trouble', async ([, text]) => {
    const repo = (await repository()).deploy(METADATA, text)
    const node = await nodeBefore(temp, [repo])
    expect((await node.ask(METADATA)).status).toBe(503)
    expect((await storeAtRest(node)).records).toBeLessThanOrEqual(2)
  })
})

describe('a snapshot', () => {
  const build = (timestamp: string, number: number) => `${SNAPSHOT}/lib-2.0-${timestamp}-${number}.jar`

  it('has builds that never change and a list that does', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    repo.deploy(build('20240101.010101', 1), 'one')
    repo.deploy(`${SNAPSHOT}/maven-metadata.xml`, buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240101.010101', 1))
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    expect(await node.text(`${SNAPSHOT}/maven-metadata.xml`)).toContain('20240101.010101')
    expect(await node.text(build('20240101.010101', 1))).toBe('one')
    await storeAtRest(node)
    // Upstream prunes, and has a newer one.
    repo.remove(build('20240101.010101', 1))
    repo.deploy(build('20240202.020202', 2), 'two')
    repo.deploy(`${SNAPSHOT}/maven-metadata.xml`, buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240202.020202', 2))
    clock.pass(60_000)
    expect(await node.text(build('20240101.010101', 1))).toBe('one')
    const { body } = await node.ask(`${SNAPSHOT}/maven-metadata.xml`, { headers: { 'cache-control': 'no-cache' } })
    expect(readMetadata(body).snapshot).toMatchObject({ timestamp: '20240202.020202', buildNumber: '2' })
  })

  it('has its list looked at anew when a build that it names is gone', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    repo.deploy(`${SNAPSHOT}/maven-metadata.xml`, buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240101.010101', 1))
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    await node.text(`${SNAPSHOT}/maven-metadata.xml`)
    repo.deploy(`${SNAPSHOT}/maven-metadata.xml`, buildsOf('org.x', 'lib', '2.0-SNAPSHOT', '20240202.020202', 2))
    // The list is fresh still, for whoever does not insist.
    clock.pass(15_000)
    expect((await node.ask(build('20240101.010101', 1))).status).toBe(404)
    await eventually('the list is the new one', async () =>
      (await node.text(`${SNAPSHOT}/maven-metadata.xml`)).includes('20240202.020202'),
    )
    repo.deploy(build('20240101.010101', 1), 'one')
    clock.pass(60_000)
    expect(await node.text(build('20240101.010101', 1))).toBe('one')
  })

  it('without dated builds is checked, and replaced within a minute', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    const [one, two] = [new Random(1).bytes(200_000), new Random(2).bytes(210_000)]
    const path = `${SNAPSHOT}/lib-2.0-SNAPSHOT.jar`
    repo.deploy(path, one)
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    expect((await node.ask(path)).body.equals(one)).toBe(true)
    await storeAtRest(node)
    expect((await node.ask(path)).headers['x-warren-source']).toBe('local')
    repo.deploy(path, two)
    clock.pass(60_000)
    const fresh = await node.ask(path, { headers: { 'cache-control': 'no-cache' } })
    expect([fresh.body.equals(two), await node.text(`${path}.sha1`)]).toEqual([true, hexOf('sha1', two)])
    await storeAtRest(node)
    // What does not fit its checksum does not take the place of what does.
    repo.put(path, 'spoilt')
    clock.pass(60_000)
    const reply = await node.ask(path, { headers: { 'cache-control': 'no-cache' } })
    expect(reply.status === 200 && reply.complete && reply.body.toString() === 'spoilt').toBe(false)
  })
})

describe('a group of repositories', () => {
  it('gives files from the first that has them', async () => {
    const [one, two] = [await repository(), await repository()]
    one.deploy('org/x/lib/1.0/lib-1.0.jar', 'of one')
    two.deploy('org/x/lib/1.0/lib-1.0.jar', 'of two').deploy('org/x/lib/1.1/lib-1.1.jar', 'of two')
    const node = await nodeBefore(temp, [one, two])
    expect(await node.text('org/x/lib/1.0/lib-1.0.jar')).toBe('of one')
    expect(await node.text('org/x/lib/1.1/lib-1.1.jar')).toBe('of two')
    expect(await node.text('org/x/lib/1.1/lib-1.1.jar.sha1')).toBe(hexOf('sha1', 'of two'))
    expect(two.count('org/x/lib/1.0/lib-1.0.jar')).toBe(0)
  })

  it('lists the versions of all, with checksums of what it says', async () => {
    const [one, two, three] = [await repository(), await repository(), await repository()]
    publish(one, ['1.0', '1.1'], '20240101000000')
    publish(two, ['1.1', '2.0'], '20240303000000')
    const node = await nodeBefore(temp, [one, two, three])
    const text = await node.text(METADATA)
    expect(readMetadata(Buffer.from(text))).toMatchObject({
      groupId: 'org.x',
      artifactId: 'lib',
      latest: '2.0',
      release: '2.0',
      versions: ['1.0', '1.1', '2.0'],
      lastUpdated: '20240303000000',
    })
    for (const algorithm of ALGORITHMS) expect(await node.text(`${METADATA}.${algorithm}`)).toBe(hexOf(algorithm, text))
    expect((await node.ask('org/y/lib/maven-metadata.xml.sha1')).status).toBe(404)
  })

  it('does not say less than it should while one of them is in trouble', async () => {
    const [one, two] = [publish(await repository(), ['1.0']), publish(await repository(), ['2.0'])]
    two.upstream.on(/^\//, answer(500, 'oops'))
    const node = await nodeBefore(temp, [one, two])
    expect((await node.ask(METADATA)).status).toBe(503)
    expect((await node.ask('org/x/lib/2.0/lib-2.0.jar')).status).toBe(503)
  })

  it('has no list of prefixes, but a single repository may', async () => {
    const [one, two] = [await repository(), await repository()]
    one.deploy('.meta/prefixes.txt', '## repository-prefixes/2.0\n/org/x\n')
    const group = await nodeBefore(temp, [one, two])
    for (const path of ['.meta/prefixes.txt', '.meta/prefixes.txt.sha1']) expect((await group.ask(path)).status).toBe(404)
    const single = await nodeBefore(temp, [one])
    expect(await single.text('.meta/prefixes.txt')).toContain('/org/x')
  })

  it('asks for what is bound to one of them at that one only', async () => {
    const [open, corp] = [await repository(), await repository()]
    open.deploy('com/corp/lib/9.9/lib-9.9.jar', 'planted').deploy('org/x/lib/1.0/lib-1.0.jar', 'open')
    open.deploy('com/corp/lib/maven-metadata.xml', versionsOf('com.corp', 'lib', ['9.9']))
    corp.deploy('com/corp/lib/maven-metadata.xml', versionsOf('com.corp', 'lib', ['1.0']))
    const routes = [{ pattern: 'com.corp', upstream: corp.url, levels: '.:' }]
    const node = await nodeBefore(temp, [open, corp], { routes })
    const paths = [
      'com/corp/lib/9.9/lib-9.9.jar',
      'com/corp/lib/9.9/lib-9.9.pom.sha1',
      'com/corp/sub/x/1/x-1.jar',
      'com/corp/x/',
    ]
    for (const path of paths) expect((await node.ask(path)).status).toBe(404)
    const text = await node.text('com/corp/lib/maven-metadata.xml')
    expect(readMetadata(Buffer.from(text)).versions).toEqual(['1.0'])
    expect(await node.text('com/corp/lib/maven-metadata.xml.sha1')).toBe(hexOf('sha1', text))
    expect(open.log).toEqual([])
    expect(await node.text('org/x/lib/1.0/lib-1.0.jar')).toBe('open')
  })
})
