import { describe, expect, it, type TestContext } from 'vitest'
import { Apt, requireConfiguredArchive } from '../harness/apt.ts'
import { ArchiveReplay } from '../harness/archive-replay.ts'
import { cutAfter, flip } from '../harness/fault.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedDebian, type Shape } from '../harness/scripted-debian.ts'
import { type FilesNode, filesMirror, nodeBefore, started, withFiles } from '../harness/scripted-files.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { missing, requireTool } from '../harness/tools.ts'

const TIMEOUT_MS = 240_000
/** Small, and depends on others. */
const PACKAGE = 'hello'

useLeakCheck()
const temp = useTempFolders()

/** The archive that this machine's apt is configured for, behind something that counts and fails. */
async function realArchive(context: TestContext) {
  const source = await requireConfiguredArchive(context)
  const archive = await started(new ArchiveReplay(source.url))
  const trouble = await archive.trouble(`dists/${source.suite}/InRelease`)
  if (trouble !== undefined) missing(context, 'apt-archive', `the archive of apt cannot be reached: ${trouble}`)
  archive.tally.reset()
  const program = requireTool(context, 'apt-get')
  const client = (base: string) => new Apt(program, temp.create('apt'), { ...source, url: base })
  return { archive, client }
}

describe('apt and the archive that it is configured for', () => {
  it('download a package with all that it depends on, once more with the archive gone, and at a second node', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const { archive, client } = await realArchive(context)
    const init = { upstream: archive.origin, mirrors: [filesMirror(archive.origin)] }
    const mesh = await TestMesh.create(temp, init)
    const first = withFiles(mesh.seed)
    const apt = client(first.files)
    await apt.update()
    const debs = await apt.download(PACKAGE)
    expect(debs.size).toBeGreaterThan(1)
    await storeAtRest(first)
    expect(archive.tally.kind('by-hash').requests).toBeGreaterThan(0)

    const second = withFiles(await mesh.join(init))
    archive.tally.reset()
    const other = client(second.files)
    await other.update()
    expect(await other.download(PACKAGE)).toEqual(debs)
    await storeAtRest(second)
    // Names come from upstream, files from the first node.
    expect([...archive.tally.paths().keys()].map((path) => path.split('/').at(-1))).toEqual(['InRelease'])
    expect((await second.status()).requests.seed).toBeGreaterThan(debs.size)

    await archive.gone()
    const again = client(first.files)
    await again.update()
    expect(await again.download(PACKAGE)).toEqual(debs)
  })
})

/** An archive without signatures, as small companies have them, with two packages of which one depends on the other. */
async function smallArchive(context: TestContext, shape: Partial<Shape> = {}) {
  const debian = await started(new ScriptedDebian({ inRelease: false, ...shape }))
  const random = new Random(11)
  debian.add({ name: 'one', depends: 'two', bytes: random.bytes(30_000) })
  debian.add({ name: 'two', bytes: random.bytes(1_500_000) })
  for (let i = 0; i < 20; i++) debian.add({ name: `small${i}`, bytes: random.bytes(200 + i * 700) })
  debian.publish()
  const node = await nodeBefore(temp, debian.base)
  const program = requireTool(context, 'apt-get')
  const client = () => new Apt(program, temp.create('apt'), { url: node.files, suite: 'stable' })
  return { debian, node, client }
}

describe('apt and an archive without signatures', () => {
  it('come to an end where upstream has neither signatures nor translations', { timeout: TIMEOUT_MS }, async (context) => {
    const { debian, client } = await smallArchive(context, { byHash: false })
    await client().update('-o', 'Acquire::Languages=de')
    expect(debian.tally.path('/debian/dists/stable/InRelease').requests).toBe(1)
    await client().update('-o', 'Acquire::Languages=de')
    // What is absent was asked for once, and what is there each time.
    expect(debian.tally.path('/debian/dists/stable/InRelease').requests).toBe(1)
    expect(debian.tally.path('/debian/dists/stable/Release').requests).toBeGreaterThan(1)
  })

  it('take many packages over one connection, one after the other', { timeout: TIMEOUT_MS }, async (context) => {
    const { node, client } = await smallArchive(context)
    const apt = client()
    await apt.update()
    const names = ['one', ...Array.from({ length: 20 }, (_, i) => `small${i}`)]
    const debs = await apt.download(...names)
    expect(debs.size).toBe(22)
    await storeAtRest(node)
    const again = client()
    await again.update()
    expect(await again.download(...names)).toEqual(debs)
  })

  it('are told of a package that has a wrong byte, and nothing of it is kept', { timeout: TIMEOUT_MS }, async (context) => {
    const { debian, node, client } = await smallArchive(context)
    const apt = client()
    await apt.update()
    await storeAtRest(node)
    debian.fail(/\/one_/, flip(100))
    const failed = await apt.run(['install', '--download-only', '--yes', 'one'])
    expect(failed.code).not.toBe(0)
    expect(failed.stderr).toMatch(/one_1\.0_amd64\.deb\s+503/)
    debian.heal()
    expect((await apt.download('one')).size).toBe(2)
  })

  it('do not notice that upstream breaks off', { timeout: TIMEOUT_MS }, async (context) => {
    const { debian, client } = await smallArchive(context)
    const apt = client()
    await apt.update()
    debian.fail(/\/two_/, cutAfter(700_000), 1)
    expect((await apt.download('one')).size).toBe(2)
    const asked = debian.tally.log.filter(({ path }) => path.includes('/two_'))
    expect(asked.map(({ status }) => status)).toEqual([200, 206])
  })

  it.for([
    ['goes on to have the old index files by their digests', true],
    ['has the new index files only', false],
  ] as const)(
    'come to what is new where the archive is replaced amid an update and %s',
    { timeout: TIMEOUT_MS },
    async ([, byHash], context) => {
      const { debian, node, client } = await smallArchive(context, { byHash })
      await client().update()
      await storeAtRest(node)
      let isReplaced = false
      const replace = () => {
        isReplaced = true
        debian.add({ name: 'one', version: '2.0', bytes: new Random(14).bytes(10_000) })
        debian.publish({ keepByHash: true })
      }
      debian.fail(
        /\/Release$/,
        (answer) => {
          if (answer.status === 200) setImmediate(replace)
          return answer
        },
        1,
      )
      debian.add({ name: 'two', version: '1.1', bytes: new Random(15).bytes(10_000) })
      debian.publish()
      const apt = client()
      const first = await apt.run(['update'])
      expect(isReplaced).toBe(true)
      // By its digest it has the list that its release file speaks of; else it is told that it is another one, as the archive would.
      expect([first.code === 0, first.stderr.includes('Mirror sync in progress')]).toEqual([byHash, !byHash])
      await apt.update()
      expect([...(await apt.download('one')).keys()].join()).toContain('one_2.0')
    },
  )

  it('come to the same packages through a second node, which has the files from the first', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const debian = await started(new ScriptedDebian({ inRelease: false }))
    debian.add({ name: 'one', depends: 'two', bytes: new Random(12).bytes(40_000) })
    debian.add({ name: 'two', bytes: new Random(13).bytes(3_000_000) })
    debian.publish()
    const init = { upstream: debian.base, mirrors: [filesMirror(debian.base)] }
    const mesh = await TestMesh.create(temp, init)
    const program = requireTool(context, 'apt-get')
    const download = async (node: FilesNode) => {
      const apt = new Apt(program, temp.create('apt'), { url: node.files, suite: 'stable' })
      await apt.update()
      await storeAtRest(node)
      const debs = await apt.download('one')
      await storeAtRest(node)
      return debs
    }
    const debs = await download(withFiles(mesh.seed))
    expect(debs.size).toBe(2)
    const second = withFiles(await mesh.join(init))
    debian.tally.reset()
    // Whoever is asked first has more than enough time.
    debian.latencyMs = 1_000
    expect(await download(second)).toEqual(debs)
    expect([debian.tally.kind('deb').requests, debian.tally.kind('by-hash').bytes]).toEqual([0, 0])
    expect(debian.tally.kind('Release').requests).toBeGreaterThan(0)
    // A new release is seen at once.
    debian.add({ name: 'one', version: '2.0', bytes: new Random(14).bytes(40_000) })
    debian.publish()
    expect((await download(second)).has('one_2.0_amd64.deb')).toBe(true)
  })
})
