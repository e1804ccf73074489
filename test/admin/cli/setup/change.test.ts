import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { alone } from '../../../../admin/cli/setup/alone.ts'
import { plannedEdit, plannedUndo, undo, write } from '../../../../admin/cli/setup/change.ts'
import { backupOf, recordOf } from '../../../../admin/cli/setup/record.ts'
import { useTempFolders } from '../../../harness/temp.ts'

const temp = useTempFolders()
const led = (text: string) =>
  `${text.replace('registry=old', 'registry=node')}${text.includes('registry') ? '' : 'registry=node\n'}`

function doEdit(path: string, edit = led): void {
  write(plannedEdit(path, edit), 'npm')
}

function takeBack(path: string): readonly (readonly string[])[] {
  const plan = plannedUndo(path)
  if (!plan) throw new Error('nothing was written')
  undo([plan])
  return plan.lost
}

test('a file is as it was after it was taken back, with its mode, and nothing lies beside it', () => {
  const folder = temp.create()
  const path = join(folder, '.npmrc')
  writeFileSync(path, '\uFEFFa=1\r\nregistry=old', { mode: 0o640 })
  chmodSync(path, 0o640)
  const before = readFileSync(path)
  doEdit(path)
  expect(readFileSync(path, 'utf8')).toBe('\uFEFFa=1\r\nregistry=node')
  expect(readFileSync(backupOf(path))).toEqual(before)
  expect([path, backupOf(path), recordOf(path)].map((one) => statSync(one).mode & 0o777)).toEqual([0o640, 0o640, 0o640])
  doEdit(path)
  expect(readFileSync(backupOf(path))).toEqual(before)
  expect(takeBack(path)).toEqual([])
  expect(readFileSync(path)).toEqual(before)
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(readdirSync(folder)).toEqual(['.npmrc'])
})

test('a file that was not there is gone, with the folders that were made for it and no others', () => {
  const folder = temp.create()
  mkdirSync(join(folder, 'a'))
  const path = join(folder, 'a/b/c/file')
  doEdit(path)
  expect(readFileSync(path, 'utf8')).toBe('registry=node\n')
  takeBack(path)
  expect(readdirSync(join(folder, 'a'))).toEqual([])
  expect(plannedUndo(path)).toBeUndefined()
})

test('what somebody wrote since stays, also into a file that there had not been', () => {
  const folder = temp.create()
  const [old, young] = [join(folder, 'old'), join(folder, 'young')]
  writeFileSync(old, 'registry=old\n')
  doEdit(old)
  doEdit(young)
  for (const path of [old, young]) writeFileSync(path, `mine=1\n${readFileSync(path, 'utf8')}`)
  expect([takeBack(old), takeBack(young)]).toEqual([[], []])
  expect(readFileSync(old, 'utf8')).toBe('mine=1\nregistry=old\n')
  expect(readFileSync(young, 'utf8')).toBe('mine=1\n')
})

test('a line that somebody changed since stays, is told, and the file as it was is kept', () => {
  const path = join(temp.create(), 'file')
  writeFileSync(path, 'registry=old\n')
  doEdit(path)
  writeFileSync(path, 'registry=theirs\n')
  expect(takeBack(path)).toEqual([['registry=node']])
  expect(readFileSync(path, 'utf8')).toBe('registry=theirs\n')
  expect(readFileSync(backupOf(path), 'utf8')).toBe('registry=old\n')
})

test('another address is written into the file as it would be without the first, so that taking it back ends there', () => {
  const path = join(temp.create(), 'file')
  writeFileSync(path, 'registry=old\n')
  doEdit(path)
  writeFileSync(path, 'registry=node\nmine=1\n')
  doEdit(path, (text) => text.replace('registry=old', 'registry=elsewhere'))
  expect(readFileSync(path, 'utf8')).toBe('registry=elsewhere\nmine=1\n')
  takeBack(path)
  expect(readFileSync(path, 'utf8')).toBe('registry=old\nmine=1\n')
})

test('a run that is killed before it writes the file leaves the way back to what there was before the first one', () => {
  const path = join(temp.create(), 'file')
  writeFileSync(path, 'registry=old\n')
  doEdit(path)
  const first = readFileSync(path)
  const second = (text: string) => text.replace('registry=old', 'registry=elsewhere')
  doEdit(path, second)
  writeFileSync(path, first)
  doEdit(path, second)
  writeFileSync(path, first)
  expect(takeBack(path)).toEqual([])
  expect(readFileSync(path, 'utf8')).toBe('registry=old\n')
})

test('a file that somebody removed stays away', () => {
  const folder = temp.create()
  const path = join(folder, 'file')
  writeFileSync(path, 'registry=old\n')
  doEdit(path)
  rmSync(path)
  expect(takeBack(path)).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})

test('a link stays one, and the file that it leads to is changed', () => {
  const folder = temp.create()
  const [path, real] = [join(folder, 'link'), join(folder, 'real')]
  writeFileSync(real, 'registry=old\n')
  symlinkSync('real', path)
  doEdit(path)
  expect(readFileSync(real, 'utf8')).toBe('registry=node\n')
  takeBack(path)
  expect(readFileSync(real, 'utf8')).toBe('registry=old\n')
  expect(readdirSync(folder).sort()).toEqual(['link', 'real'])
})

test('what is made below a link, or where a link leads to nothing yet, is gone afterwards, and the link is not', () => {
  const folder = temp.create()
  mkdirSync(join(folder, 'real'))
  symlinkSync('real', join(folder, 'home'))
  symlinkSync('real/dots/file', join(folder, 'early'))
  for (const path of [join(folder, 'home/.config/file'), join(folder, 'early')]) {
    doEdit(path)
    expect(readFileSync(path, 'utf8')).toBe('registry=node\n')
    takeBack(path)
    expect(readdirSync(join(folder, 'real'))).toEqual([])
  }
  expect(readlinkSync(join(folder, 'early'))).toBe('real/dots/file')
  symlinkSync('gone/../loop', join(folder, 'loop'))
  expect(() => plannedEdit(join(folder, 'loop'), led)).toThrow(/ELOOP|ENOENT/)
})

test.runIf(process.geteuid?.() === 0)('root is led by no link of a user to what is not theirs', () => {
  const [home, system] = [temp.create(), temp.create()]
  lchownSync(home, 4321, 4321)
  for (const [name, target] of Object.entries({ file: join(system, 'file'), folder: system })) {
    symlinkSync(target, join(home, name))
    lchownSync(join(home, name), 4321, 4321)
  }
  for (const name of ['file', 'folder/file']) expect(() => plannedEdit(join(home, name), led)).toThrow('a link of user 4321')
  chownSync(system, 4321, 4321)
  doEdit(join(home, 'folder/file'))
  expect(statSync(join(system, 'file')).uid).toBe(4321)
})

test('a file that changed while it was looked at is let be', () => {
  const path = join(temp.create(), 'file')
  writeFileSync(path, 'registry=old\n')
  const plan = plannedEdit(path, led)
  writeFileSync(path, 'registry=old\nmine=1\n')
  expect(() => write(plan, 'npm')).toThrow('changed while it was looked at')
  expect(readFileSync(path, 'utf8')).toBe('registry=old\nmine=1\n')
  expect(existsSync(backupOf(path))).toBe(false)
})

test('what is no text is refused, and so is a record that leads elsewhere', () => {
  const folder = temp.create()
  const path = join(folder, 'file')
  writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]))
  expect(() => plannedEdit(path, led)).toThrow('no text in UTF-8')
  writeFileSync(path, Buffer.from('x=1\n', 'utf16le'))
  expect(() => plannedEdit(path, led)).toThrow('no text in UTF-8')
  writeFileSync(path, 'x\n')
  writeFileSync(recordOf(path), JSON.stringify({ v: 1, existed: false, written: 'x\n', folders: ['/etc'] }))
  expect(() => plannedUndo(path)).toThrow('no record of Warren')
})

test('where a line ends with a carriage return alone, nobody guesses what a client takes for a line', () => {
  const path = join(temp.create(), 'file')
  writeFileSync(path, 'registry=old\rtoken=x\r')
  expect(() => plannedEdit(path, led)).toThrow('a carriage return alone')
})

test('a large file is taken back as well, and one that would become too large is let be', () => {
  const path = join(temp.create(), 'file')
  const most = (1 << 20) - 'registry=node\n'.length
  const text = '"\t"\n'.repeat(most / 4)
  writeFileSync(path, text)
  for (let time = 0; time < 2; time++) doEdit(path)
  takeBack(path)
  expect(readFileSync(path, 'utf8')).toBe(text)
  writeFileSync(path, `${text}a=1\n`)
  expect(() => plannedEdit(path, led)).toThrow('larger than')
})

test('while another run is about to change the file nothing is done to it, unless that was killed long ago', () => {
  const folder = temp.create()
  const path = join(folder, 'file')
  const lock = join(folder, '.file.warren-lock.bak')
  writeFileSync(path, 'registry=old\n')
  const [one, other] = [plannedEdit(path, led), plannedEdit(path, (text) => text.replace('old', 'elsewhere'))]
  alone(path, () => expect(() => write(one, 'npm')).toThrow('another «warren setup»'))
  expect(readdirSync(folder)).toEqual(['file'])
  writeFileSync(lock, '')
  utimesSync(lock, new Date(0), new Date(0))
  write(one, 'npm')
  // Of whoever comes second nothing may be left, above all no record of what was not written.
  expect(() => write(other, 'npm')).toThrow('changed while it was looked at')
  expect(takeBack(path)).toEqual([])
  expect(readFileSync(path, 'utf8')).toBe('registry=old\n')
  expect(readdirSync(folder)).toEqual(['file'])
})
