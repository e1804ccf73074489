import { describe, expect, it } from 'vitest'
import { answer, serve } from '../harness/answer.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { buildsOf, hexOf, type ScriptedMaven, versionsOf } from '../harness/scripted-maven.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MavenNode, nodeBefore, repository } from './maven-node.ts'

useLeakCheck()
const temp = useTempFolders()

const DIRECTORY = 'org/x/lib/1.0/lib-1.0'
const JAR = `${DIRECTORY}.jar`
const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512'] as const
const FILES = [JAR, `${DIRECTORY}.pom`, `${DIRECTORY}.module`, 'org/x/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7.jar'] as const
const CHANGING = ['org/x/lib/2.0-SNAPSHOT/lib-2.0-SNAPSHOT.jar', 'archetype-catalog.xml'] as const

async function statuses(node: MavenNode, paths: readonly string[]): Promise<readonly number[]> {
  const replies = await Promise.all(paths.map(async (path) => node.ask(path)))
  return replies.map(({ status }) => status)
}

/** All that stands beside a file, about other bytes: what is left of a deletion, or planted. */
function stray(repo: ScriptedMaven, path: string): void {
  for (const algorithm of ALGORITHMS) repo.put(`${path}.${algorithm}`, hexOf(algorithm, 'other bytes'))
  repo.put(`${path}.asc`, 'of other bytes').put(`${path}.asc.sha1`, hexOf('sha1', 'of other bytes'))
}

describe('a file and what stands beside it', () => {
  it.each([...FILES, ...CHANGING])('come from one repository where the first has only checksums: %s', async (path) => {
    const [one, two] = [await repository(), await repository()]
    stray(one, path)
    two.deploy(path, 'of two').deploy(`${path}.asc`, 'signature of two')
    const node = await nodeBefore(temp, [one, two])
    const read = async () => [
      await node.text(`${path}.sha1`),
      await node.text(path),
      await node.text(`${path}.md5`),
      await node.text(`${path}.asc`),
      await node.text(`${path}.asc.sha1`),
    ]
    const [signature, signed] = ['signature of two', hexOf('sha1', 'signature of two')]
    const right = [hexOf('sha1', 'of two'), 'of two', hexOf('md5', 'of two'), signature, signed]
    expect(await read()).toEqual(right)
    await storeAtRest(node)
    expect(await read()).toEqual(right)
    // Nobody had them here before, and they are none of the file's.
    expect(await statuses(node, [`${path}.sha256`, `${path}.sha512`])).toEqual([404, 404])
  })

  it.each([...FILES, ...CHANGING])(
    'come from the first that has the file, whatever others have beside theirs: %s',
    async (path) => {
      const [one, two] = [await repository(), await repository()]
      one.put(path, 'of one').put(`${path}.sha1`, hexOf('sha1', 'of one').toUpperCase())
      two.deploy(path, 'of two').deploy(`${path}.asc`, 'signature of two')
      const node = await nodeBefore(temp, [one, two])
      for (let round = 0; round < 2; round++) {
        expect(await node.text(`${path}.sha1`)).toBe(hexOf('sha1', 'of one').toUpperCase())
        expect(await statuses(node, [`${path}.md5`, `${path}.asc`, `${path}.asc.md5`])).toEqual([404, 404, 404])
        expect(await node.text(path)).toBe('of one')
        await storeAtRest(node)
      }
      expect(two.log).toEqual([])
    },
  )

  it('stay together when the first repository gets the file later', async () => {
    const [one, two] = [await repository(), await repository()]
    two.deploy(JAR, 'of two')
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [one, two], { overrides: { clock } })
    expect([await node.text(JAR), await node.text(`${JAR}.sha1`)]).toEqual(['of two', hexOf('sha1', 'of two')])
    one.deploy(JAR, 'of one')
    clock.pass(60_000)
    expect([await node.text(`${JAR}.sha1`), await node.text(JAR)]).toEqual([hexOf('sha1', 'of one'), 'of one'])
  })

  it('are asked of the first one where it cannot say, and of no other', async () => {
    const [one, two] = [await repository(), await repository()]
    two.deploy(JAR, 'of two')
    await one.upstream.gone()
    const node = await nodeBefore(temp, [one, two])
    expect(await statuses(node, [`${JAR}.sha1`, `${JAR}.asc`])).toEqual([503, 503])
    expect(two.log).toEqual([])
  })

  it('fit whatever each of three repositories has of them, in whatever order clients ask', async () => {
    const random = new Random(7)
    for (let round = 0; round < 12; round++) {
      const repositories = [await repository(), await repository(), await repository()]
      const bytes = repositories.map((_, at) => `round ${round} of ${at}`)
      const has = repositories.map(() => random.next() < 0.5)
      repositories.forEach((repo, at) => {
        if (has[at]) repo.put(JAR, bytes[at] ?? '')
        for (const algorithm of ALGORITHMS)
          if (random.next() < 0.5) repo.put(`${JAR}.${algorithm}`, hexOf(algorithm, bytes[at] ?? ''))
      })
      const node = await nodeBefore(temp, repositories)
      const paths = [JAR, ...ALGORITHMS.map((algorithm) => `${JAR}.${algorithm}`)]
      const order = paths.map((path) => [random.next(), path] as const).sort(([one], [other]) => one - other)
      const replies = new Map<string, string | undefined>()
      for (const [, path] of order) {
        const { status, body } = await node.ask(path)
        replies.set(path, status === 200 ? body.toString() : undefined)
      }
      const first = bytes[has.indexOf(true)]
      expect(replies.get(JAR)).toBe(first)
      if (first === undefined) continue
      for (const algorithm of ALGORITHMS)
        expect([undefined, hexOf(algorithm, first)]).toContain(replies.get(`${JAR}.${algorithm}`))
    }
  })
})

describe('a repository that is down', () => {
  const METADATA = 'org/x/lib/maven-metadata.xml'
  const WEEK = 7 * 24 * 3_600_000

  async function afterwards(outage: (one: ScriptedMaven) => unknown) {
    const [one, two] = [await repository(), await repository()]
    two.deploy(JAR, 'of two').deploy(METADATA, versionsOf('org.x', 'lib', ['1.0']))
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [one, two], { overrides: { clock } })
    for (const path of [JAR, `${JAR}.sha1`, METADATA]) await node.text(path)
    expect(await statuses(node, [`${DIRECTORY}.module`])).toEqual([404])
    await storeAtRest(node)
    await outage(one)
    clock.pass(3_600_000)
    return { two, clock, node }
  }

  it.each([
    ['gone', (one: ScriptedMaven) => one.upstream.gone()],
    ['failing', (one: ScriptedMaven) => one.upstream.on(/^\//, answer(500, 'oops'))],
    ['showing a login', (one: ScriptedMaven) => one.upstream.on(/^\//, serve('<html>', { 'content-type': 'text/html' }))],
  ])('hides nothing that came from the next one, since it had said to have none of it: it is %s', async (_, outage) => {
    const { two, node } = await afterwards(outage)
    expect([await node.text(JAR), await node.text(`${JAR}.sha1`)]).toEqual(['of two', hexOf('sha1', 'of two')])
    expect(await node.text(METADATA)).toContain('<version>1.0</version>')
    expect(await node.text(`${METADATA}.sha1`)).toBe(hexOf('sha1', await node.text(METADATA)))
    // All of it may be away.
    await two.upstream.gone()
    expect(await node.text(JAR)).toBe('of two')
  })

  it('is no reason to ask the next one for what did not come from there', async () => {
    const { two, node } = await afterwards((one) => one.upstream.gone())
    // Planted, once the first one cannot say any more that it is its own.
    two.deploy(`${DIRECTORY}.module`, 'planted').deploy('org/x/lib/9.9/lib-9.9.jar', 'planted')
    const paths = [`${DIRECTORY}.module`, `${DIRECTORY}.module.sha1`, 'org/x/lib/9.9/lib-9.9.jar', 'org/y/maven-metadata.xml']
    expect(await statuses(node, paths)).toEqual([503, 503, 503, 503])
    expect(two.count(`${DIRECTORY}.module.sha1`)).toBe(1)
  })

  it('is waited for in the end', async () => {
    const { clock, node } = await afterwards((one) => one.upstream.gone())
    clock.pass(WEEK)
    expect(await statuses(node, [JAR, METADATA])).toEqual([503, 503])
  })
})

describe('metadata of a group', () => {
  it('have no signature, since nobody signed what several say together', async () => {
    const [one, two] = [await repository(), await repository()]
    for (const repo of [one, two]) {
      repo.deploy('org/x/lib/maven-metadata.xml', versionsOf('org.x', 'lib', ['1.0']))
      repo.deploy('org/x/lib/maven-metadata.xml.asc', 'signature')
    }
    const node = await nodeBefore(temp, [one, two])
    const paths = ['org/x/lib/maven-metadata.xml.asc', 'org/x/lib/maven-metadata.xml.asc.sha1']
    expect(await statuses(node, paths)).toEqual([404, 404])
    const single = await nodeBefore(temp, [one])
    expect(await single.text('org/x/lib/maven-metadata.xml.asc')).toBe('signature')
  })

  it('name builds of snapshots that can be had with their checksums, wherever they are', async () => {
    const [one, two] = [await repository(), await repository()]
    const directory = 'org/x/lib/2.0-SNAPSHOT'
    const build = (repo: ScriptedMaven, timestamp: string, number: number) => {
      repo.deploy(`${directory}/maven-metadata.xml`, buildsOf('org.x', 'lib', '2.0-SNAPSHOT', timestamp, number))
      repo.deploy(`${directory}/lib-2.0-${timestamp}-${number}.jar`, `build ${number}`)
    }
    build(one, '20240101.010101', 1)
    build(two, '20240202.020202', 2)
    const node = await nodeBefore(temp, [one, two])
    const text = await node.text(`${directory}/maven-metadata.xml`)
    expect(await node.text(`${directory}/maven-metadata.xml.sha1`)).toBe(hexOf('sha1', text))
    const [, value = ''] = /<extension>jar<\/extension>\s*<value>([^<]+)</.exec(text) ?? []
    expect(value).toBe('2.0-20240202.020202-2')
    expect(await node.text(`${directory}/lib-${value}.jar.sha1`)).toBe(hexOf('sha1', 'build 2'))
    expect(await node.text(`${directory}/lib-${value}.jar`)).toBe('build 2')
  })
})

describe('what a group asks of its repositories', () => {
  it('is two questions of one that has not what another has', async () => {
    const [one, two] = [await repository(), await repository()]
    for (const path of FILES) two.deploy(path, 'of two')
    const node = await nodeBefore(temp, [one, two])
    for (const path of FILES) {
      expect([await node.text(path), await node.text(`${path}.sha1`)]).toEqual(['of two', hexOf('sha1', 'of two')])
      const asked = one.log.filter((line) => line.includes(path))
      expect(asked.toSorted()).toEqual([`GET ${path}`, `GET ${path}.sha1`])
    }
  })
})
