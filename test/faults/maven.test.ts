import { describe, expect, it, test } from 'vitest'
import { answer, captivePortal, serve } from '../harness/answer.ts'
import { cutAfter, flip, spoil } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { hexOf, pomOf } from '../harness/scripted-maven.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { nodeBefore, repository } from './maven-node.ts'

const JAR = new Random(7).bytes(300_000)
const SMALL = JAR.subarray(0, 20_000)
const PATH = 'org/x/lib/1.2/lib-1.2'

useLeakCheck()
const temp = useTempFolders()

describe('a release', () => {
  it('comes once from upstream, checked, with the checksums that clients look for, and stays', async () => {
    const repo = await repository()
    repo.checksums = ['md5', 'sha1', 'sha256', 'sha512']
    repo.deploy(`${PATH}.jar`, JAR).deploy(`${PATH}.pom`, pomOf('org.x', 'lib', '1.2'))
    const node = await nodeBefore(temp, [repo])
    const first = await node.ask(`${PATH}.jar`)
    expect([first.status, first.body.equals(JAR), first.headers['x-warren-source']]).toEqual([200, true, 'upstream'])
    await storeAtRest(node)
    await repo.upstream.gone()
    const again = await node.ask(`${PATH}.jar`, { headers: { 'cache-control': 'no-cache', pragma: 'no-cache' } })
    expect([again.status, again.body.equals(JAR), again.headers]).toEqual([
      200,
      true,
      expect.objectContaining({
        'cache-control': 'public, max-age=31536000, immutable',
        'content-type': 'application/java-archive',
        'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
        'x-checksum-md5': hexOf('md5', JAR),
        'x-checksum-sha1': hexOf('sha1', JAR),
        'x-warren-source': 'local',
      }),
    ])
    expect(repo.count(`${PATH}.jar`)).toBe(1)
  })

  test.for([
    ['in capitals', (hex: string) => hex.toUpperCase()],
    ['with the line ends of Windows', (hex: string) => `${hex}\r\n`],
    ['with the name of the file', (hex: string) => `${hex}  lib-1.2.jar\n`],
    ['as openssl prints it', (hex: string) => `SHA1(lib-1.2.jar)= ${hex}\n`],
    ['as gpg prints it', (hex: string) => `lib-1.2.jar: ${(hex.toUpperCase().match(/.{4}/g) ?? []).join(' ')}\n`],
    ['without its leading zero', (hex: string) => hex.replace(/^0/, '')],
  ] as const)('is checked against a sha1 %s, which goes out unchanged', async ([, form]) => {
    const repo = await repository()
    // Its sha1 begins with a zero.
    const jar = Buffer.from(`jar ${firstWith((text) => hexOf('sha1', `jar ${text}`).startsWith('0'))}`)
    const written = form(hexOf('sha1', jar))
    repo.put(`${PATH}.jar`, jar).put(`${PATH}.jar.sha1`, written)
    const node = await nodeBefore(temp, [repo])
    expect(await node.text(`${PATH}.jar`)).toBe(jar.toString())
    await storeAtRest(node)
    await repo.upstream.gone()
    const { headers } = await node.ask(`${PATH}.jar`)
    // Named by what it was found to be.
    expect([headers['x-warren-source'], headers.etag]).toEqual(['local', `"sha1:${hexOf('sha1', jar)}"`])
    expect(await node.text(`${PATH}.jar.sha1`)).toBe(written)
  })

  it('with one wrong byte is refused and named, whichever of its checksums says so', async () => {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512'] as const) {
      const repo = await repository()
      repo.put(`${PATH}.jar.${algorithm}`, hexOf(algorithm, SMALL))
      const spoilt = spoil(serve(SMALL), flip(100))
      repo.upstream.on(`/m2/${PATH}.jar`, spoilt, spoilt, serve(SMALL))
      const node = await nodeBefore(temp, [repo])
      const reply = await node.ask(`${PATH}.jar`)
      expect([reply.status, reply.headers['content-type']]).toEqual([503, 'text/plain; charset=utf-8'])
      expect(reply.body.toString()).toMatch(new RegExp(`^[^\\n]*lib-1\\.2\\.jar has not the promised ${algorithm}:[^\\n]*\\n$`))
      const good = await node.ask(`${PATH}.jar`)
      expect([good.status, good.body.equals(SMALL)]).toEqual([200, true])
    }
  })

  it('is checked against the strongest checksum', async () => {
    const repo = await repository()
    repo.put(`${PATH}.jar`, SMALL).put(`${PATH}.jar.sha1`, hexOf('sha1', SMALL))
    repo.put(`${PATH}.jar.sha256`, hexOf('sha256', 'something else'))
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    expect((await node.ask(`${PATH}.jar`)).body.toString()).toContain('sha256')
    // Upstream has mended it: what was looked up is looked up again.
    repo.put(`${PATH}.jar.sha256`, hexOf('sha256', SMALL))
    clock.pass(15_000)
    expect((await node.ask(`${PATH}.jar`)).status).toBe(200)
  })

  it('without any checksum is kept as it is, and none is made up', async () => {
    const repo = await repository()
    repo.put(`${PATH}.jar`, SMALL)
    const node = await nodeBefore(temp, [repo])
    expect((await node.ask(`${PATH}.jar`)).body.equals(SMALL)).toBe(true)
    await storeAtRest(node)
    for (const ending of ['sha1', 'md5', 'sha256', 'sha512', 'asc', 'asc.sha1'])
      expect((await node.ask(`${PATH}.jar.${ending}`)).status).toBe(404)
    expect((await node.ask(`${PATH}.jar`)).headers['x-warren-source']).toBe('local')
  })

  it('whose checksums cannot be had just now is given out but not kept', async () => {
    const repo = await repository()
    repo.put(`${PATH}.jar`, SMALL)
    repo.upstream.on(/\.(?:sha1|sha256|sha512|md5)$/, answer(503, 'later'))
    const node = await nodeBefore(temp, [repo])
    expect((await node.ask(`${PATH}.jar`)).body.equals(SMALL)).toBe(true)
    expect((await storeAtRest(node)).records).toBe(0)
  })

  it('is asked for no more, and neither are its checksums, by clients that send «no-cache» with everything', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    repo.deploy(`${PATH}.pom`, pomOf('org.x', 'lib', '1.2'))
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    const again = async () => {
      for (const ending of ['pom', 'pom.sha1', 'pom.md5']) {
        const reply = await node.ask(`${PATH}.${ending}`, { headers: { 'cache-control': 'no-cache', pragma: 'no-cache' } })
        expect(reply.status).toBe(200)
      }
      await storeAtRest(node)
      clock.pass(24 * 3_600_000)
    }
    await again()
    const asked = repo.log.length
    await again()
    expect(repo.log.slice(asked)).toEqual([])
  })

  it('costs a POM two requests that wait for each other in no way, and a client that wants the checksum no third one', async () => {
    const repo = await repository()
    const pom = pomOf('org.x', 'lib', '1.2')
    repo.deploy(`${PATH}.pom`, pom)
    // Neither is answered before the other one has been asked for.
    const [file, checksum] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    repo.upstream.on(`/m2/${PATH}.pom`, async () => {
      file.resolve()
      await checksum.promise
      return serve(pom)
    })
    repo.upstream.on(`/m2/${PATH}.pom.sha1`, async () => {
      checksum.resolve()
      await file.promise
      return serve(hexOf('sha1', pom))
    })
    const node = await nodeBefore(temp, [repo])
    expect(await node.text(`${PATH}.pom`)).toBe(pom)
    expect(await node.text(`${PATH}.pom.sha1`)).toBe(hexOf('sha1', pom))
    expect([...repo.log].sort()).toEqual([`GET ${PATH}.pom`, `GET ${PATH}.pom.sha1`])
  })

  it('that is cut is gone on with', async () => {
    const repo = await repository()
    repo.deploy(`${PATH}.jar`, JAR)
    repo.upstream.on(`/m2/${PATH}.jar`, spoil(serve(JAR), cutAfter(150_000)), serve(JAR))
    const node = await nodeBefore(temp, [repo])
    const reply = await node.ask(`${PATH}.jar`)
    expect([reply.status, reply.complete, reply.body.equals(JAR), repo.count(`${PATH}.jar`)]).toEqual([200, true, true, 2])
  })

  it('has its signature and the checksums of that passed on', async () => {
    const repo = await repository()
    repo.deploy(`${PATH}.jar`, SMALL).deploy(`${PATH}.jar.asc`, '-----BEGIN PGP SIGNATURE-----')
    const node = await nodeBefore(temp, [repo])
    expect(await node.text(`${PATH}.jar.asc`)).toBe('-----BEGIN PGP SIGNATURE-----')
    expect(await node.text(`${PATH}.jar.asc.sha1`)).toBe(hexOf('sha1', '-----BEGIN PGP SIGNATURE-----'))
    expect((await node.ask(`${PATH}.jar.asc.sha512`)).status).toBe(404)
  })

  it('is one thing in all spellings, and upstream sees one of them', async () => {
    const repo = await repository()
    const path = 'org/x/lib/1.0+b ~1@x/lib-1.0+b ~1@x.jar'
    repo.deploy(path, SMALL)
    const node = await nodeBefore(temp, [repo])
    for (const spelt of [
      path.replaceAll(' ', '%20'),
      encodeURI(path).replaceAll('+', '%2B'),
      path.replace(/[ ~@+]/g, escape),
    ]) {
      expect((await node.ask(spelt)).body.equals(SMALL)).toBe(true)
      await storeAtRest(node)
    }
    const asked = repo.upstream.tally.log.filter(({ target }) => target.endsWith('.jar')).map(({ target }) => target)
    expect(asked).toEqual(['/m2/org/x/lib/1.0+b%20~1@x/lib-1.0+b%20~1@x.jar'])
  })

  it('is not the one whose name has other capitals', async () => {
    const repo = await repository()
    repo.deploy('org/x/Foo/1.0/Foo-1.0.jar', 'large').deploy('org/x/foo/1.0/foo-1.0.jar', 'small')
    const node = await nodeBefore(temp, [repo])
    for (let round = 0; round < 2; round++) {
      expect(await node.text('org/x/Foo/1.0/Foo-1.0.jar')).toBe('large')
      expect(await node.text('org/x/foo/1.0/foo-1.0.jar')).toBe('small')
      await storeAtRest(node)
    }
  })
})

describe('a HEAD', () => {
  it('tells of a file what a GET does, and has upstream send nothing', async () => {
    const repo = await repository()
    repo.deploy(`${PATH}.jar`, JAR)
    const node = await nodeBefore(temp, [repo])
    const probe = await node.ask(`${PATH}.jar`, { method: 'HEAD' })
    const told = ({ headers }: typeof probe) => [headers['content-length'], headers['last-modified'], headers['content-type']]
    expect([probe.status, probe.body.length, ...told(probe)]).toEqual([
      200,
      0,
      '300000',
      'Mon, 01 Jan 2024 00:00:00 GMT',
      'application/java-archive',
    ])
    expect(repo.log).toEqual([`HEAD ${PATH}.jar`])
    const full = await node.ask(`${PATH}.jar`)
    await storeAtRest(node)
    const held = await node.ask(`${PATH}.jar`, { method: 'HEAD' })
    expect([told(full), told(held)]).toEqual([told(probe), told(probe)])
    expect(held.headers.etag).toBe((await node.ask(`${PATH}.jar`)).headers.etag)
  })

  it('for what is absent is a 404', async () => {
    const repo = await repository()
    const node = await nodeBefore(temp, [repo])
    for (const path of [`${PATH}.jar`, `${PATH}.module`, `${PATH}.jar.sha1`, 'org/x/lib/maven-metadata.xml', 'org/x/'])
      expect((await node.ask(path, { method: 'HEAD' })).status).toBe(404)
  })
})

describe('what is absent', () => {
  it('is asked for once, however many ask, and is there within a minute of its publication', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    const sources = `${PATH}-sources.jar`
    const all = await Promise.all(Array.from({ length: 30 }, () => node.ask(sources)))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([404]))
    expect((await node.ask(sources)).status).toBe(404)
    expect(repo.count(sources)).toBe(1)
    repo.deploy(sources, SMALL)
    clock.pass(60_000)
    expect((await node.ask(sources)).body.equals(SMALL)).toBe(true)
  })

  it('is checked as soon as it is there', async () => {
    for (const path of [`${PATH}.jar`, `${PATH}.pom`]) {
      const repo = await repository()
      const clock = new ShiftedClock()
      const node = await nodeBefore(temp, [repo], { overrides: { clock } })
      expect((await node.ask(path)).status).toBe(404)
      repo.put(path, 'wrong bytes').put(`${path}.sha1`, hexOf('sha1', SMALL))
      clock.pass(10_500)
      expect([(await node.ask(path)).status, repo.count(path)]).toEqual([503, 3])
    }
  })

  it('is no more said to be while upstream is down', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    expect((await node.ask(`${PATH}.pom`)).status).toBe(404)
    await repo.upstream.gone()
    clock.pass(60_000)
    const reply = await node.ask(`${PATH}.pom`)
    expect([reply.status, Number(reply.headers['retry-after']) > 0]).toEqual([503, true])
  })

  it('is a plain 404 for the metadata of Gradle', async () => {
    const repo = await repository()
    repo.deploy(`${PATH}.pom`, `<!-- published-with-gradle-metadata -->${pomOf('org.x', 'lib', '1.2')}`)
    const node = await nodeBefore(temp, [repo])
    expect(await node.text(`${PATH}.pom`)).toContain('published-with-gradle-metadata')
    const reply = await node.ask(`${PATH}.module`)
    expect([reply.status, reply.headers['content-type']]).toEqual([404, 'text/plain; charset=utf-8'])
    expect(reply.body.toString()).toMatch(/^[^\n]+\n$/)
  })
})

describe('the address of a mirror', () => {
  it('says what it is where upstream has no page there, with and without its slash', async () => {
    const repo = await repository()
    const node = await nodeBefore(temp, [repo])
    for (const path of ['/maven/x', '/maven/x/']) {
      const { status, body } = await exchange(`${node.url}${path}`)
      expect([status, body.toString()]).toEqual([404, expect.stringMatching(/^[^\n]*settings\.xml[^\n]*files below[^\n]*\n$/)])
    }
    expect((await node.ask('x')).body.toString()).not.toContain('settings.xml')
  })
})

describe('a web page in place of', () => {
  it.each([`${PATH}.pom`, `${PATH}.jar`, `${PATH}.jar.sha1`, `${PATH}.module`, 'org/x/lib/maven-metadata.xml'])(
    '%s is trouble, and nothing of it is kept',
    async (path) => {
      const repo = await repository()
      repo.deploy(`${PATH}.pom`, pomOf('org.x', 'lib', '1.2'))
      repo.upstream.on(/^\//, captivePortal())
      const node = await nodeBefore(temp, [repo])
      const reply = await node.ask(path)
      expect([reply.status, reply.body.includes('Sign in')]).toEqual([503, false])
      expect((await node.ask(path, { method: 'HEAD' })).status).toBe(503)
      expect((await storeAtRest(node)).records).toBe(0)
    },
  )

  it('a file that has checksums is refused all the same', async () => {
    const repo = await repository()
    repo.deploy(`${PATH}.pom`, pomOf('org.x', 'lib', '1.2'))
    repo.upstream.on(`/m2/${PATH}.pom`, captivePortal())
    const node = await nodeBefore(temp, [repo])
    expect((await node.ask(`${PATH}.pom`)).status).toBe(503)
  })
})

describe('a path of Ivy’s', () => {
  it('names what never changes, and directories list it', async () => {
    const repo = await repository()
    repo.deploy('com.corp/plug/scala_2.12/sbt_1.0/0.3/jars/plug.jar', SMALL)
    const node = await nodeBefore(temp, [repo])
    expect((await node.ask('com.corp/plug/scala_2.12/sbt_1.0/0.3/jars/plug.jar')).body.equals(SMALL)).toBe(true)
    const page = await node.ask('com.corp/plug/scala_2.12/sbt_1.0/')
    expect([page.status, page.headers['content-type'], page.headers['content-security-policy']]).toEqual([
      200,
      'text/html',
      expect.stringContaining('sandbox'),
    ])
    expect(page.body.toString()).toContain('href="0.3/"')
    await storeAtRest(node)
    await repo.upstream.gone()
    expect((await node.ask('com.corp/plug/scala_2.12/sbt_1.0/0.3/jars/plug.jar')).headers['x-warren-source']).toBe('local')
  })
})

describe('an index of any size', () => {
  it('is streamed and looked at again after a while', async () => {
    const repo = await repository()
    const clock = new ShiftedClock()
    repo.put('.index/nexus-maven-repository-index.gz', JAR)
    const node = await nodeBefore(temp, [repo], { overrides: { clock } })
    expect((await node.ask('.index/nexus-maven-repository-index.gz')).body.equals(JAR)).toBe(true)
    await storeAtRest(node)
    expect((await node.ask('.index/nexus-maven-repository-index.gz')).headers['x-warren-source']).toBe('local')
    repo.put('.index/nexus-maven-repository-index.gz', SMALL)
    clock.pass(180_000)
    await eventually('it is the new one', async () =>
      (await node.ask('.index/nexus-maven-repository-index.gz')).body.equals(SMALL),
    )
  })
})

describe('a request that is no reading', () => {
  it('is refused with a word about where to deploy', async () => {
    const repo = await repository()
    const node = await nodeBefore(temp, [repo])
    const reply = await node.ask(`${PATH}.jar`, { method: 'PUT', body: 'x' })
    expect([reply.status, reply.body.toString()]).toEqual([405, expect.stringContaining('distributionManagement')])
    expect(repo.log).toEqual([])
  })
})

function firstWith(condition: (text: string) => boolean): string {
  for (let at = 0; ; at++) if (condition(String(at))) return String(at)
}
