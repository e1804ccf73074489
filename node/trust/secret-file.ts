import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { giveToOwnerOf, makeDataFolder } from '../data-folder.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'

/** Bytes that a secret file may have, where nobody says otherwise; a membership with the most addresses has a tenth. */
const MAX_BYTES = 64 << 10

/** Does not follow a link; does not wait for somebody to write into a pipe. Windows has neither. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Writes a file that only this user may read, in a folder that is made for this user if there is none. What root writes into the
 * folder of another user is that user's. After a crash it is the
 * old file or the new one, whole. Throws STORE_UNUSABLE.
 */
export function writeSecretFile(path: string, text: string): void {
  place(path, text, (temporary) => renameSync(temporary, path))
}

/** The same, unless there is a file already: false then. Of many that try at once, one wins. Throws STORE_UNUSABLE. */
export function createSecretFile(path: string, text: string): boolean {
  return place(path, text, (temporary) => {
    try {
      // Fails when the name is taken, where a rename would replace; and the file appears whole, where «open» begins with an empty one.
      linkSync(temporary, path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    }
    return true
  })
}

/**
 * The text of a secret file; undefined when there is none. What is checked is the open file, so that no other can be put in its
 * place in between.
 *
 * Throws SECRET_EXPOSED when another user may have read or written it, STORE_UNUSABLE when it cannot be read.
 */
export function readSecretFile(path: string, limit = MAX_BYTES): string | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, READ_FLAGS)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'ELOOP')
      throw new WarrenError('SECRET_EXPOSED', `${path} is a symbolic link: put the file itself there`)
    throw unusable(path, 'read', error)
  }
  try {
    checkPrivate(path, fstatSync(descriptor))
    return readBounded(path, descriptor, limit)
  } catch (error) {
    throw isWarrenError(error) ? error : unusable(path, 'read', error)
  } finally {
    closeSync(descriptor)
  }
}

function place<T>(path: string, text: string, publish: (temporary: string) => T): T {
  const folder = dirname(path)
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    makeDataFolder(folder)
    const descriptor = openSync(temporary, 'wx', 0o600)
    try {
      giveToOwnerOf(folder, descriptor)
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    const result = publish(temporary)
    syncFolder(folder)
    return result
  } catch (error) {
    throw unusable(path, 'written', error)
  } finally {
    removeQuietly(temporary)
  }
}

/** What went wrong before is what matters. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}

function checkPrivate(path: string, stats: Stats): void {
  const { mode, uid } = stats
  if (!stats.isFile()) throw new WarrenError('SECRET_EXPOSED', `${path} is no regular file: a secret is read from nothing else`)
  // Windows has no such modes, and folders of a user are private there.
  const user = process.geteuid?.()
  if (user === undefined) return
  if (user !== 0 && uid !== user)
    throw new WarrenError(
      'SECRET_EXPOSED',
      `${path} belongs to user ${uid}, and this process is user ${user}: chown ${user} ${path}`,
    )
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0')
    throw new WarrenError('SECRET_EXPOSED', `${path} is open to other users (mode ${octal}): chmod 600 ${path}`)
  }
}

function readBounded(path: string, descriptor: number, limit: number): string {
  const bytes = Buffer.alloc(limit + 1)
  let length = 0
  for (;;) {
    const read = readSync(descriptor, bytes, length, bytes.length - length, null)
    length += read
    if (length > limit) throw new WarrenError('STORE_UNUSABLE', `${path} is larger than ${limit} bytes: no file of Warren`)
    if (read === 0) return bytes.toString('utf8', 0, length)
  }
}

/** A new name is there after a power cut only once its folder is written; Windows does not open folders. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function unusable(path: string, what: 'read' | 'written', error: unknown): WarrenError {
  return new WarrenError('STORE_UNUSABLE', `${path} cannot be ${what}: ${reasonOf(error)}`, { cause: error })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
