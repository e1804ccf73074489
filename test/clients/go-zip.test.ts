import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { MemoryStore } from '../../node/store/memory-store.ts'
import { StagedBytes } from '../../node/store/staged-bytes.ts'
import { zipHash1 } from '../../node/zip/digest.ts'
import { GoClient } from '../harness/go-client.ts'
import { h1Of, makeHidingZip, makeZip, type ZipFile } from '../harness/scripted-go-zip.ts'
import { useTempFolders } from '../harness/temp.ts'

const temp = useTempFolders()

const filesOf = (module: string, code = 'package a\n'): ZipFile[] => [
  { name: `${module}@v1.0.0/go.mod`, data: `module ${module}\n` },
  { name: `${module}@v1.0.0/a.go`, data: code },
]
const each = (module: string, more: Partial<ZipFile>) => filesOf(module).map((file) => ({ ...file, ...more }))

/** Archives by the name of their module, and whether Warren is to read them. */
const ARCHIVES: Readonly<Record<string, { make(module: string): Buffer; isRead: boolean }>> = {
  plain: { make: (module) => makeZip(filesOf(module)), isRead: true },
  stored: { make: (module) => makeZip(each(module, { stored: true })), isRead: true },
  described: { make: (module) => makeZip(each(module, { described: 'signed' })), isRead: true },
  zip64: { make: (module) => makeZip(filesOf(module), { zip64: true }), isRead: true },
  long: {
    make: (module) => {
      const [one, two] = filesOf(module) as [ZipFile, ZipFile]
      const plain = 2 * 46 + one.name.length + two.name.length
      return makeZip([one, { ...two, extra: Buffer.alloc(0xffff - plain) }])
    },
    isRead: true,
  },
  comment: { make: (module) => makeZip(filesOf(module), { comment: Buffer.from('a comment') }), isRead: false },
  behind: { make: (module) => makeZip(each(module, { behind: Buffer.from('more') })), isRead: false },
  hiding: { make: (module) => makeHidingZip(filesOf(module), filesOf(module, 'package b\n'), 'comment'), isRead: false },
  deeper: { make: (module) => makeHidingZip(filesOf(module), filesOf(module, 'package b\n'), 'extra'), isRead: false },
}

async function digestOf(zip: Buffer): Promise<string | undefined> {
  const staging = new MemoryStore().blobs.stage({ size: zip.length, algorithms: [] })
  staging.write(zip)
  const hex = await zipHash1(new StagedBytes(staging, { what: 'h1' })).catch(() => undefined)
  return hex && `h1:${Buffer.from(hex, 'hex').toString('base64')}`
}

test('what Warren takes for the files of an archive is what the go command takes for them', async (context) => {
  const program = GoClient.require(context)
  const root = temp.create('proxy')
  const modules = Object.entries(ARCHIVES).map(([name, { make, isRead }]) => {
    const module = `ex.test/${name}`
    const folder = join(root, module, '@v')
    const zip = make(module)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'v1.0.0.info'), '{"Version":"v1.0.0"}')
    writeFileSync(join(folder, 'v1.0.0.mod'), `module ${module}\n`)
    writeFileSync(join(folder, 'v1.0.0.zip'), zip)
    return { module, zip, isRead }
  })
  const client = new GoClient({ program, work: temp.create('go'), proxy: pathToFileURL(root).href, sumdb: 'off' })
  client.write({ 'go.mod': 'module main.test\n' })
  const out = await client.go('mod', 'download', '-json', ...modules.map(({ module }) => `${module}@v1.0.0`))
  const sums = new Map([...out.matchAll(/"Path": "([^"]+)"[^}]*"Sum": "([^"]+)"/g)].map(([, path, sum]) => [path, sum]))
  for (const { module, zip, isRead } of modules)
    expect([module, await digestOf(zip)]).toEqual([module, isRead ? sums.get(module) : undefined])
  // The go command is the judge: of these it sees other files than their plain directory has.
  for (const module of ['ex.test/hiding', 'ex.test/deeper']) expect(sums.get(module)).toBe(h1Of(filesOf(module, 'package b\n')))
  expect(sums.size).toBe(modules.length)
})
