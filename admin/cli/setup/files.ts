import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { giveFolder, giveToOwnerOf } from '../../../node/data-folder.ts'

/** Largest file of settings that is changed, in bytes. */
export const MAX_BYTES = 1 << 20

/** Links in a row that are followed to what is not there: as many as the kernel follows. */
const MAX_LINKS = 40

/** Where links lead, also on the way to what is not there yet: it is called the same before and after it is made. */
export function realPath(path: string, links = MAX_LINKS): string {
  try {
    return realpathSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const above = dirname(path)
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || above === path || links === 0) throw error
    const here = join(realPath(above, links), basename(path))
    if (!lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink()) return here
    return realPath(resolve(dirname(here), readlinkSync(here)), links - 1)
  }
}

/**
 * Lets root follow no link of a user to what belongs to somebody else: by one in its home a user could have files of the system
 * written. The kernel has the same rule for folders like `/tmp` (proc_sys_fs(5), protected_symlinks). Throws Error.
 */
export function checkLinks(named: string, path: string): void {
  if (process.geteuid?.() !== 0) return
  let there = path
  while (!statSync(there, { throwIfNoEntry: false })) there = dirname(there)
  const { uid: owner } = statSync(there)
  for (let at = resolve(named); at !== dirname(at); at = dirname(at)) {
    const link = lstatSync(at, { throwIfNoEntry: false })
    if (link?.isSymbolicLink() && link.uid !== 0 && link.uid !== owner)
      throw new Error(`${at} is a link of user ${link.uid} to what belongs to user ${owner}: run this as that user`)
  }
}

/** The text of a file; undefined where there is none. Throws Error for what is no text. */
export function textAt(path: string, limit = MAX_BYTES): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return undefined
  if (!stats.isFile()) throw new Error(`${path} is no file`)
  if (stats.size > limit) throw tooLarge(path, limit)
  const bytes = readFileSync(path)
  // UTF-16 without a mark is UTF-8 as well, with a NUL behind each letter.
  if (!isUtf8(bytes) || bytes.includes(0)) throw new Error(`${path} is no text in UTF-8`)
  // With the byte order mark that it may begin with.
  return bytes.toString('utf8')
}

/** Throws Error for a text that could not be read again. */
export function checkSize(path: string, text: string): void {
  if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge(path, MAX_BYTES)
}

function tooLarge(path: string, limit: number): Error {
  return new Error(`${path} is larger than ${limit} bytes: no file of settings`)
}

/**
 * Puts a text into a file: after a crash it is the old one or the new one, whole. It keeps mode and owner of `like`, if that is
 * there; a new one belongs to the owner of its folder.
 */
export function writeText(path: string, text: string, like = path): void {
  const stats = statSync(like, { throwIfNoEntry: false })
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  // Nobody else may read it before it has the mode that it is to have.
  const descriptor = openSync(temporary, 'wx', stats ? 0o600 : 0o666)
  try {
    try {
      if (stats) keepOwner(descriptor, stats, path)
      else giveToOwnerOf(dirname(path), descriptor)
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Makes a folder and those above it, and tells which there were not, the outermost first. */
export function makeFolders(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })) return []
  const above = makeFolders(dirname(folder))
  mkdirSync(folder)
  giveFolder(folder, dirname(folder))
  return [...above, folder]
}

/** Removes those of these folders that are empty, the innermost first. */
export function removeFolders(folders: readonly string[]): void {
  for (const folder of [...new Set(folders)].sort((one, other) => other.length - one.length)) {
    try {
      rmdirSync(folder)
    } catch {
      // Somebody put something into it, or took it away.
    }
  }
}

export function removeFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })) rmSync(path)
}

interface Owned {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

function keepOwner(descriptor: number, { uid, gid, mode }: Owned, path: string): void {
  const own = fstatSync(descriptor)
  try {
    if (own.uid !== uid || own.gid !== gid) fchownSync(descriptor, uid, gid)
  } catch (error) {
    throw new Error(`${path} belongs to somebody else (user ${uid}, group ${gid}): run this as that user, or as root`, {
      cause: error,
    })
  }
  fchmodSync(descriptor, mode & 0o7777)
}
