import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useTempFolders } from './temp.ts'
import { differences, treeOf } from './trees.ts'

const temp = useTempFolders()

function tree(): string {
  const folder = temp.create('tree')
  mkdirSync(join(folder, 'a', 'b'), { recursive: true })
  writeFileSync(join(folder, 'a', 'b', 'file'), 'same')
  writeFileSync(join(folder, 'run'), 'same')
  symlinkSync('a/b/file', join(folder, 'link'))
  writeFileSync(join(folder, '.package-lock.json'), folder)
  return folder
}

test('equal trees have no differences, whatever npm noted about where they came from', () => {
  const [one, other] = [tree(), tree()]
  expect([...treeOf(one).keys()].sort()).toEqual(['a/b/file', 'link', 'run'])
  expect(differences(one, other)).toEqual([])
})

test('a byte, a mode, a link target, a missing and an extra file are all found', () => {
  const [one, other] = [tree(), tree()]
  writeFileSync(join(other, 'a', 'b', 'file'), 'samf')
  chmodSync(join(other, 'run'), 0o755)
  writeFileSync(join(one, 'only'), '')
  writeFileSync(join(other, 'more'), '')
  const paths = differences(one, other).map((line) => line.slice(0, line.indexOf(':')))
  expect(paths.sort()).toEqual(['a/b/file', 'more', 'only', 'run'])
})
