import { describe, expect, it } from 'vitest'
import { answer } from '../harness/answer.ts'
import { flip, headers, instead } from '../harness/fault.ts'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedDebian, type Shape, sha256 } from '../harness/scripted-debian.ts'
import { type FilesNode, nodeBefore, started } from '../harness/scripted-files.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const temp = useTempFolders()

/** What apt says of index files. */
const REVALIDATE = { 'cache-control': 'max-age=0' }
const IN_RELEASE = 'dists/stable/InRelease'
const PACKAGES = 'dists/stable/main/binary-amd64/Packages.gz'
const random = new Random(7)
/** So few that nothing of it goes out before it was checked: then a client is told what was wrong. */
const BYTES = random.bytes(40_000)

async function archive(shape: Partial<Shape> = {}) {
  const debian = await started(new ScriptedDebian(shape))
  const deb = debian.add({ name: 'hello', bytes: BYTES })
  debian.publish()
  return { debian, deb, node: await nodeBefore(temp, debian.base) }
}

/** The path of the packed list of packages, as `InRelease` names it. */
function byHash(inRelease: Buffer): string {
  const [, hash] = / ([0-9a-f]{64}) \d+ main\/binary-amd64\/Packages\.gz/.exec(inRelease.toString()) ?? []
  return `dists/stable/main/binary-amd64/by-hash/SHA256/${hash}`
}

/** What `apt-get update` asks for. */
async function update(node: FilesNode): Promise<{ inRelease: Buffer; packages: Buffer }> {
  const inRelease = await node.ask(IN_RELEASE, REVALIDATE)
  const packages = await node.ask(byHash(inRelease.body))
  expect([inRelease.status, packages.status]).toEqual([200, 200])
  await storeAtRest(node)
  return { inRelease: inRelease.body, packages: packages.body }
}

describe('release and index files of an archive', () => {
  it('come byte for byte and with upstream’s date, and are asked for each time', async () => {
    const { debian, node } = await archive()
    const direct = await get(debian.base + IN_RELEASE)
    const first = await node.ask(IN_RELEASE, REVALIDATE)
    expect(first.body.equals(direct.body)).toBe(true)
    expect(first.headers['last-modified']).toBe(direct.headers['last-modified'])
    const again = await node.ask(IN_RELEASE, REVALIDATE)
    expect(again.body.equals(direct.body)).toBe(true)
    expect(debian.tally.log.slice(1).map(({ status }) => status)).toEqual([200, 304])
  })

  it('answer a date that is equal or later with 304, an earlier one with the file', async () => {
    const { debian, node } = await archive()
    for (const path of [IN_RELEASE, PACKAGES]) {
      const date = new Date((await node.ask(path)).headers['last-modified'] as string)
      const since = async (seconds: number) => {
        const asked = new Date(date.getTime() + seconds * 1000).toUTCString()
        return (await node.ask(path, { ...REVALIDATE, 'if-modified-since': asked })).status
      }
      expect([await since(0), await since(-1), await since(1)]).toEqual([304, 200, 304])
    }
    // Each time upstream was asked by its own date, and sent the file once only.
    expect(debian.tally.log.filter(({ path, status }) => path.endsWith('.gz') && status === 200)).toHaveLength(1)
  })

  it('are served from the store by their digests after upstream has new ones', async () => {
    const { debian, node } = await archive()
    const { inRelease, packages } = await update(node)
    debian.add({ name: 'world', bytes: random.bytes(1000) })
    debian.publish()
    expect((await get(debian.base + byHash(inRelease))).status).toBe(404)
    const kept = await node.ask(byHash(inRelease), REVALIDATE)
    expect(kept.body.equals(packages)).toBe(true)
    expect(kept.headers['cache-control']).toContain('immutable')
    expect((await node.ask(IN_RELEASE, REVALIDATE)).body.equals(inRelease)).toBe(false)
  })

  it('are refused by their digest when upstream has something else there', async () => {
    const { debian, node } = await archive()
    const path = byHash((await node.ask(IN_RELEASE)).body)
    debian.fail(/by-hash/, flip(3))
    const reply = await node.ask(path)
    expect(reply.status).toBe(503)
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(reply.body.toString()).toContain(path.slice(-64))
  })

  it('are served under their own names only if the current release file lists them', async () => {
    const { debian, node } = await archive({ byHash: false })
    const old = await node.ask(PACKAGES, REVALIDATE)
    expect(old.status).toBe(200)
    await storeAtRest(node)
    const stays = debian.fail(/Packages\.gz$/, instead(answer(304)))
    debian.add({ name: 'world', bytes: random.bytes(1000) })
    debian.publish()
    // A cache of upstream's has the old one and calls it current.
    const outdated = await node.ask(PACKAGES, REVALIDATE)
    expect(outdated.status).toBe(503)
    stays()
    const current = await node.ask(PACKAGES, REVALIDATE)
    expect(current.status).toBe(200)
    expect(current.body.equals(old.body)).toBe(false)
    await storeAtRest(node)
    debian.add({ name: 'moon', bytes: random.bytes(1000) })
    debian.publish()
    await node.ask(IN_RELEASE, REVALIDATE)
    await debian.gone()
    // The new release file is here, and what it lists is not.
    expect((await node.ask(PACKAGES, REVALIDATE)).status).toBe(503)
  })

  it('come unchanged where upstream labels them as packed', async () => {
    const { debian, node } = await archive({ byHash: false })
    debian.fail(/Packages\.gz$/, headers({ 'content-encoding': 'gzip', 'content-type': 'text/plain' }))
    const reply = await node.ask(PACKAGES, REVALIDATE)
    expect(reply.status).toBe(200)
    expect(reply.body.equals((await get(debian.base + PACKAGES)).body)).toBe(true)
    expect(reply.headers['content-encoding']).toBeUndefined()
  })

  it('go on to be served while upstream is away', async () => {
    const { debian, deb, node } = await archive({ byHash: false })
    const before = [await node.ask(IN_RELEASE, REVALIDATE), await node.ask(PACKAGES, REVALIDATE), await node.ask(deb)]
    await storeAtRest(node)
    await debian.gone()
    const after = [await node.ask(IN_RELEASE, REVALIDATE), await node.ask(PACKAGES, REVALIDATE), await node.ask(deb)]
    for (const [i, reply] of after.entries()) {
      expect(reply.status).toBe(200)
      expect(reply.body.equals(before[i]?.body as Buffer)).toBe(true)
    }
  })

  it('that upstream has not are asked for once', async () => {
    const { debian, node } = await archive()
    for (const path of [
      'dists/stable/Release.gpg',
      'dists/stable/main/i18n/Translation-de.xz',
      'pool/main/h/hello/hello_1.0_i386.deb',
    ]) {
      expect((await node.ask(path)).status).toBe(404)
      const asked = debian.tally.path(`/debian/${path}`).requests
      expect((await node.ask(path, REVALIDATE)).status).toBe(404)
      expect(debian.tally.path(`/debian/${path}`).requests).toBe(asked)
    }
  })

  it('that are no release files do not take the place of one', async () => {
    const { debian, node } = await archive()
    const good = await node.ask(IN_RELEASE)
    debian.fail(/InRelease$/, instead(answer(200, '<html>Sign in</html>', { 'content-type': 'text/html' })))
    const reply = await node.ask(IN_RELEASE, REVALIDATE)
    expect(reply.body.equals(good.body)).toBe(true)
    expect(reply.headers['x-warren-source']).toBe('stale')
  })
})

describe('a digest that a client chose', () => {
  it('gives nothing that another archive or folder has, though it is here', async () => {
    const { debian, deb, node } = await archive()
    const { inRelease } = await update(node)
    await node.ask(deb)
    await storeAtRest(node)
    const folder = 'dists/stable/main/binary-amd64/by-hash/SHA256'
    const [listed = ''] = byHash(inRelease).split('/').slice(-1)
    for (const path of [
      `${folder}/${sha256(BYTES)}`,
      `dists/other/x/by-hash/SHA256/${sha256(BYTES)}`,
      `other/${folder}/${listed}`,
    ]) {
      const reply = await node.ask(path)
      expect([path, reply.status]).toEqual([path, 404])
      expect(debian.tally.path(`/debian/${path}`).requests).toBeGreaterThan(0)
    }
  })

  it('costs upstream no second copy where it has the same below that folder, though nothing here lists it', async () => {
    const { debian, node } = await archive()
    const packages = await node.ask(PACKAGES)
    await storeAtRest(node)
    const path = `dists/stable/main/binary-amd64/by-hash/SHA256/${sha256(packages.body)}`
    const other = `dists/stable/non-free/binary-amd64/by-hash/SHA256/${sha256(packages.body)}`
    debian.put(`/debian/${other}`, packages.body)
    debian.tally.reset()
    for (const asked of [other, path]) {
      const reply = await node.ask(asked)
      expect([asked, reply.status, reply.body.equals(packages.body)]).toEqual([asked, 200, true])
    }
    expect(debian.tally.log.map(({ method, path }) => `${method} ${path}`)).toEqual([`HEAD /debian/${other}`])
    const absent = path.replace('/main/', '/contrib/')
    expect((await node.ask(absent)).status).toBe(404)
  })

  it('gives what the release file lists, without a word to upstream where it is here', async () => {
    const { debian, node } = await archive()
    const { body } = await node.ask(IN_RELEASE)
    // It came under its own name.
    const packages = await node.ask(PACKAGES)
    await storeAtRest(node)
    await debian.gone()
    const reply = await node.ask(byHash(body))
    expect([reply.status, reply.body.equals(packages.body)]).toEqual([200, true])
  })
})

describe('a package of an archive', () => {
  it('is checked against the list of packages that clients got', async () => {
    const { debian, deb, node } = await archive()
    await update(node)
    debian.fail(/\.deb$/, flip(100))
    const reply = await node.ask(deb)
    expect(reply.status).toBe(503)
    expect(reply.body.toString()).toContain(`sha256:${sha256(BYTES)}`)
    expect(reply.body.toString()).toContain('hello_1.0_amd64.deb')
    debian.heal()
    const right = await node.ask(deb)
    expect(right.body.equals(BYTES)).toBe(true)
    expect(right.headers['cache-control']).toContain('immutable')
  })

  it('is checked against a list under its own name as well', async () => {
    const { debian, deb, node } = await archive({ byHash: false, inRelease: false })
    await node.ask('dists/stable/Release')
    await node.ask(PACKAGES)
    await storeAtRest(node)
    debian.fail(/\.deb$/, flip(100))
    expect((await node.ask(deb)).status).toBe(503)
  })

  it('is not checked against a list that no release file lists', async () => {
    const { debian, deb, node } = await archive()
    await update(node)
    // By its digest anything may be asked for, and have come from anywhere.
    const forged = Buffer.from(`Package: hello\nFilename: ${deb}\nSHA256: ${sha256('forged')}\n`)
    const path = `dists/stable/main/binary-amd64/by-hash/SHA256/${sha256(forged)}`
    debian.put(`/debian/${path}`, forged)
    expect((await node.ask(path)).status).toBe(200)
    await storeAtRest(node)
    const reply = await node.ask(deb)
    expect(reply.body.equals(BYTES)).toBe(true)
  })

  it('is kept unchecked where no list is here', async () => {
    const { debian, deb, node } = await archive()
    expect((await node.ask(deb)).body.equals(BYTES)).toBe(true)
    await storeAtRest(node)
    await debian.gone()
    expect((await node.ask(deb)).body.equals(BYTES)).toBe(true)
  })

  it('is resumed from the store by upstream’s date, and comes whole when it is another one now', async () => {
    const { debian, deb, node } = await archive()
    await update(node)
    const whole = await node.ask(deb)
    await storeAtRest(node)
    const range = { range: 'bytes=1000-' }
    const rest = await node.ask(deb, { ...range, 'if-range': whole.headers['last-modified'] as string })
    expect([rest.status, rest.body.equals(BYTES.subarray(1000))]).toEqual([206, true])
    const changed = await node.ask(deb, { ...range, 'if-range': new Date(0).toUTCString() })
    expect([changed.status, changed.body.equals(BYTES)]).toEqual([200, true])
    expect(debian.tally.kind('deb').requests).toBe(1)
  })
})
