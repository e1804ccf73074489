import { describe, expect, it } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { readMetadata } from '../../protocols/maven/metadata.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { hexOf, type ScriptedMaven, versionsOf } from '../harness/scripted-maven.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MavenNode, nodeBefore, repository } from './maven-node.ts'

const DAY = 86_400_000
const METADATA = 'org/x/lib/maven-metadata.xml'

useLeakCheck()
const temp = useTempFolders()

const jarOf = (version: string) => `org/x/lib/${version}/lib-${version}.jar`

/** A node with a policy in front of repositories with versions of `lib`. */
async function nodeWith(
  settings: Partial<Config['policy']>,
  repositories: readonly ScriptedMaven[],
  clock = new ShiftedClock(),
): Promise<MavenNode> {
  const policy = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [], ...settings }
  return nodeBefore(temp, repositories, { config: { policy }, overrides: { clock } })
}

async function published(versions: readonly string[], lastUpdated?: string): Promise<ScriptedMaven> {
  const repo = await repository()
  for (const version of versions) repo.deploy(jarOf(version), `jar of ${version}`)
  return repo.deploy(METADATA, versionsOf('org.x', 'lib', versions, lastUpdated))
}

describe('a version that a policy denies', () => {
  it('is in no list, is not given out in any form, and checksums fit what is left', async () => {
    const repo = await published(['1.0', '2.0', '3.0'])
    repo.deploy('org.x/lib/3.0/jars/lib.jar', 'jar of 3.0')
    const node = await nodeWith({ deny: ['pkg:maven/org.x/lib@>=3.0'] }, [repo])
    const text = await node.text(METADATA)
    expect(readMetadata(Buffer.from(text))).toMatchObject({ versions: ['1.0', '2.0'], release: '2.0', latest: '2.0' })
    expect(await node.text(`${METADATA}.sha1`)).toBe(hexOf('sha1', text))
    expect((await node.ask(`${METADATA}.sha512`)).status).toBe(404)
    for (const path of [
      jarOf('3.0'),
      `${jarOf('3.0')}.sha1`,
      'org.x/lib/3.0/jars/lib.jar',
      jarOf('3.0').replace('.jar', '-x.zip'),
    ]) {
      const reply = await node.ask(path)
      expect([path, reply.status]).toEqual([path, 403])
      expect(reply.body.toString()).toMatch(/^[^\n]*pkg:maven\/org\.x\/lib[^\n]*\n$/)
      expect(repo.count(path)).toBe(0)
    }
    expect(await node.text(jarOf('2.0'))).toBe('jar of 2.0')
  })

  it.each([
    'latest/lib.jar',
    '1.0/payload.jar',
    'release/jars/lib.jar',
    '1.0/jars/lib-jars.jar',
    'lib.jar',
    '1.0/payload.jar.sha1',
  ])('is not to be had as %s, which fits no layout or several', async (file) => {
    const repo = await repository()
    for (const group of ['com/evil', 'org/good']) repo.put(`${group}/lib/${file}`, 'some')
    const path = (group: string) => `${group}/lib/${file}`
    for (const policy of [
      { deny: ['pkg:maven/com.evil/*'] },
      { deny: ['pkg:maven/com.evil/lib'] },
      { allow: ['pkg:maven/org.good/*'] },
    ]) {
      const node = await nodeWith(policy, [repo])
      const evil = await node.ask(path('com/evil'))
      expect([evil.status, evil.body.toString()]).toEqual([403, expect.stringContaining('pkg:maven/com')])
      expect(repo.count(path('com/evil'))).toBe(0)
      expect((await node.ask(path('org/good'))).status).not.toBe(403)
    }
  })

  it('is not in the list of a group either', async () => {
    const [one, two] = [await published(['1.0', '3.0']), await published(['2.0', '3.1'])]
    const node = await nodeWith({ deny: ['pkg:maven/org.x/lib@>=3.0'] }, [one, two])
    const text = await node.text(METADATA)
    expect(readMetadata(Buffer.from(text)).versions).toEqual(['1.0', '2.0'])
    expect(await node.text(`${METADATA}.sha256`)).toBe(hexOf('sha256', text))
  })
})

describe('a version that is too young', () => {
  it('is no older for the time in the name of its file', async () => {
    const repo = await published([])
    const folder = 'org/x/lib/2.0-SNAPSHOT'
    const clock = new ShiftedClock()
    // The lists of this repository say that everything is of this day.
    clock.shift = Date.UTC(2024, 0, 2, 3, 4) + 2 * DAY - clock.now()
    const node = await nodeWith({ minimumAge: { maven: 3 * DAY } }, [repo], clock)
    const paths = [`${folder}/lib-2.0-20200101.000000-1.jar`, `${folder}/lib-2.0-SNAPSHOT.jar`, 'org/x/lib/latest/lib.jar']
    for (const path of paths) {
      repo.deploy(path, 'new')
      expect([path, (await node.ask(path)).status]).toEqual([path, 403])
    }
    clock.pass(DAY + 60_000)
    for (const path of paths) expect(await node.text(path)).toBe('new')
  })

  it('is let through when it is old enough by what upstream lists', async () => {
    const clock = new ShiftedClock()
    // The lists of this repository say that everything is of this day.
    const day = Date.UTC(2024, 0, 2, 3, 4)
    clock.shift = day + 2 * DAY - clock.now()
    const node = await nodeWith({ minimumAge: { maven: 3 * DAY } }, [await published(['1.0', '1.1'], '20240102030400')], clock)
    expect((await node.ask(jarOf('1.1'))).status).toBe(403)
    expect(readMetadata(Buffer.from(await node.text(METADATA))).versions).toEqual(['1.0'])
    clock.pass(DAY + 60_000)
    expect(await node.text(jarOf('1.1'))).toBe('jar of 1.1')
    expect(readMetadata(Buffer.from(await node.text(METADATA))).versions).toEqual(['1.0', '1.1'])
  })
})
