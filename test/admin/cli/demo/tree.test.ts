import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { treeOf } from '../../../../admin/cli/demo/tree.ts'
import { useTempFolders } from '../../../harness/temp.ts'

const folders = useTempFolders()

function tree(): string {
  const folder = folders.create()
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'a/one.js'), 'one')
  writeFileSync(join(folder, 'two.js'), 'two!')
  symlinkSync('a/one.js', join(folder, 'link'))
  return folder
}

test('equal trees have equal digests, wherever they are and wherever npm says that they came from', () => {
  const [one, other] = [tree(), tree()]
  writeFileSync(join(one, '.package-lock.json'), 'http://127.0.0.1:1/')
  expect(treeOf(one)).toEqual(treeOf(other))
  expect(treeOf(one)).toMatchObject({ files: 3, bytes: 15 })
})

test.for<[string, (folder: string) => void]>([
  ['content', (folder) => writeFileSync(join(folder, 'a/one.js'), 'One')],
  ['a name', (folder) => writeFileSync(join(folder, 'three.js'), '')],
  ['a missing file', (folder) => rmSync(join(folder, 'two.js'))],
  ['a right', (folder) => chmodSync(join(folder, 'two.js'), 0o755)],
  [
    'a file in place of a link',
    (folder) => {
      rmSync(join(folder, 'link'))
      writeFileSync(join(folder, 'link'), 'a/one.js')
    },
  ],
])('%s makes another digest', ([, change]) => {
  const [one, other] = [tree(), tree()]
  change(other)
  expect(treeOf(one).sha256).not.toBe(treeOf(other).sha256)
})
