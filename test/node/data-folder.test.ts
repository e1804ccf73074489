import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeDataFolder } from '../../node/data-folder.ts'
import { useTempFolders } from '../harness/temp.ts'

const folders = useTempFolders()

test('it is made with all above it, for nobody but this user', () => {
  const folder = folders.create()
  const data = join(folder, 'share/warren')
  makeDataFolder(data)
  for (const path of [data, join(folder, 'share')]) expect(statSync(path).mode & 0o777).toBe(0o700)
  makeDataFolder(data)
})

test('one that is there stays as it is', () => {
  const data = folders.create()
  mkdirSync(join(data, 'store'))
  makeDataFolder(data)
  expect(existsSync(join(data, 'store'))).toBe(true)
})

test('a file in its place, or above it, is named', () => {
  const file = join(folders.create(), 'file')
  writeFileSync(file, '')
  for (const data of [file, join(file, 'sub'), join(file, 'sub/sub')])
    expect(() => makeDataFolder(data)).toThrow(`${file} is not a folder`)
})

test('a file system that makes no folders ends in its own reason, not in an endless loop', (context) => {
  if (!existsSync('/proc/self/status')) context.skip('there is no /proc here')
  expect(() => makeDataFolder('/proc/warren/data')).toThrow(/^E[A-Z]+: .*mkdir '\/proc\/warren'/)
})
