import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { answer } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { succeeded } from '../harness/npm.ts'
import { pipInstall, requirePip } from '../harness/pip.ts'
import { sha256 } from '../harness/scripted-pypi.ts'
import { nodeBeforeIndex, pypiMirror, scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { differences, treeOf } from '../harness/trees.ts'
import { requireUv, uvInstall } from '../harness/uv.ts'

const TIMEOUT_MS = 240_000

useLeakCheck()
const temp = useTempFolders()

/** An index with three packages that need each other. */
async function indexOfThree() {
  const index = await scriptedIndex()
  index.publish({ name: 'aapkg', version: '1.0', requires: ['bb-pkg>=1', 'cc.pkg<2'] })
  index.publish({ name: 'bb-pkg', version: '1.2', requires: ['cc-pkg<2'] })
  index.publish({ name: 'cc-pkg', version: '1.9', filler: Buffer.alloc(300_000, 'c') })
  index.publish({ name: 'cc-pkg', version: '2.0' })
  return index
}

const MODULES = ['aapkg/__init__.py', 'bb_pkg/__init__.py', 'cc_pkg/__init__.py', 'cc_pkg/filler.bin']

describe('pip', () => {
  it('installs a package with its dependencies, and again with nothing in its cache and the index gone', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const python = await requirePip(context)
    const index = await indexOfThree()
    const node = await nodeBeforeIndex(temp, { index })
    const first = succeeded(await pipInstall(python, { index: node.simple, work: temp.create('first'), wanted: ['AApkg'] }))
    expect([...treeOf(first.site).keys()]).toEqual(expect.arrayContaining(MODULES))
    const { tally } = index
    expect([tally.kind('page').requests, tally.kind('metadata').requests, tally.kind('file').requests]).toEqual([3, 3, 3])
    await storeAtRest(node)
    await index.gone()
    const second = succeeded(await pipInstall(python, { index: node.simple, work: temp.create('second'), wanted: ['aapkg'] }))
    expect(differences(first.site, second.site)).toEqual([])
  })

  it('installs from an index that knows HTML only, with relative links', { timeout: TIMEOUT_MS }, async (context) => {
    const python = await requirePip(context)
    const index = await indexOfThree()
    index.form = 'html'
    index.links = 'relative'
    const node = await nodeBeforeIndex(temp, { index })
    const done = succeeded(await pipInstall(python, { index: node.simple, work: temp.create('pip'), wanted: ['aapkg'] }))
    expect([...treeOf(done.site).keys()]).toEqual(expect.arrayContaining(MODULES))
    expect(index.tally.kind('metadata').requests).toBe(3)
  })

  it('installs although the index does not keep its promise of metadata', { timeout: TIMEOUT_MS }, async (context) => {
    const python = await requirePip(context)
    const index = await indexOfThree()
    index.fail(/\.metadata$/, instead(answer(404)))
    const node = await nodeBeforeIndex(temp, { index })
    succeeded(await pipInstall(python, { index: node.simple, work: temp.create('pip'), wanted: ['aapkg'] }))
    // A wheel that was fetched for its metadata is here when it is wanted itself, unless that is before it was written down.
    expect(index.tally.kind('file').requests).toBeLessThanOrEqual(4)
  })

  it('installs by pinned digests, and not what has another one', { timeout: TIMEOUT_MS }, async (context) => {
    const python = await requirePip(context)
    const index = await scriptedIndex()
    const { bytes } = index.publish({ name: 'aapkg', version: '1.0' })
    const node = await nodeBeforeIndex(temp, { index })
    const install = (hex: string) => {
      const work = temp.create('pinned')
      writeFileSync(join(work, 'requirements.txt'), `aapkg==1.0 --hash=sha256:${hex}\n`)
      return pipInstall(python, { index: node.simple, work, wanted: [], args: ['-r', 'requirements.txt'] })
    }
    succeeded(await install(sha256(bytes)))
    expect((await install('0'.repeat(64))).code).not.toBe(0)
  })
})

describe('uv', () => {
  it('installs a package with its dependencies, and again with nothing in its cache and the index gone', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const python = await requirePip(context)
    const uv = await requireUv(context, python)
    const index = await indexOfThree()
    const node = await nodeBeforeIndex(temp, { index })
    const install = async (name: string) =>
      succeeded(await uvInstall(uv, python, { index: node.simple, work: temp.create(name), wanted: ['aapkg'] }))
    const first = await install('first')
    expect([...treeOf(first.site).keys()]).toEqual(expect.arrayContaining(MODULES))
    await storeAtRest(node)
    await index.gone()
    expect(differences(first.site, (await install('second')).site)).toEqual([])
  })
})

describe('a second node that joined by a ticket', () => {
  it('has the files and the pages from the first, which is its seed', { timeout: TIMEOUT_MS }, async (context) => {
    const python = await requirePip(context)
    const index = await indexOfThree()
    const init = { upstream: index.origin, mirrors: [pypiMirror([index.base])] }
    const mesh = await TestMesh.create(temp, init)
    const second = await mesh.join(init)
    const install = async (url: string, name: string) =>
      succeeded(await pipInstall(python, { index: `${url}/pypi/simple/`, work: temp.create(name), wanted: ['aapkg'] }))
    const one = await install(mesh.seed.url, 'one')
    await storeAtRest(mesh.seed)
    index.tally.reset()
    index.fail(/^\/packages\//, instead(answer(503, 'no file today')))
    const other = await install(second.url, 'other')
    expect(differences(one.site, other.site)).toEqual([])
    // pip wants every page confirmed, which the seed has done.
    const { requests } = index.tally.kind('page')
    expect([index.tally.total.requests, requests <= 3]).toEqual([requests, true])
    const there = (await second.status()).requests
    expect([there.seed >= 6, there.upstream, there.error]).toEqual([true, 0, 0])
  })
})
