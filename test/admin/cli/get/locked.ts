import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readLockfile } from '../../../../admin/cli/get/lockfiles/index.ts'
import { useTempFolders } from '../../../harness/temp.ts'

export const folders = useTempFolders()
export const SHA512 = `sha512-${Buffer.alloc(64, 1).toString('base64')}`
export const SHA1 = `sha1-${Buffer.alloc(20, 2).toString('base64')}`
export const HEX = 'ab'.repeat(32)
export const H1 = `h1:${Buffer.alloc(32, 3).toString('base64')}`

/** Reads a lockfile with this content, and other files beside it. */
export function read(name: string, content: string | object, others: Readonly<Record<string, string>> = {}) {
  const file = join(folders.create('lock'), name)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  for (const [path, text] of Object.entries(others)) {
    const other = join(dirname(file), path)
    mkdirSync(dirname(other), { recursive: true })
    writeFileSync(other, text)
  }
  return readLockfile(file)
}

/** What is wanted, in a word each, and what is left out. */
export function brief(locked: ReturnType<typeof read>): string[] {
  return [...locked.wanted.map(({ text }) => text), ...locked.left.map(({ name, why }) => `${name} ${why}`)]
}
