import { accessSync, closeSync, constants, fchownSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Nobody but this user looks into it (XDG Base Directory Specification 0.8 for the folders above). */
const MODE = 0o700

/** Only a folder itself, and none that a link leads to. Windows has neither. */
const FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** Makes the folder of a node with those above it; throws the reason when nothing can be written there. */
export function makeDataFolder(path: string): void {
  makeFolder(path)
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
}

/**
 * Gives what root has just made to the user of the folder that it is in. An admin runs commands on the data folder of a node that
 * runs as another user: what they leave there has to be readable for that node, or it misses that a member was cut off.
 *
 * @param descriptor of the new file or folder: a path could lead elsewhere by now
 */
export function giveToOwnerOf(folder: string, descriptor: number): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  if (uid === 0) return
  try {
    fchownSync(descriptor, uid, gid)
  } catch {
    // A root that may not do so, as in some containers, runs the node itself as well.
  }
}

/**
 * One folder at a time: the recursive mkdir of Node tells ENOENT for a read-only file system, and never returns where the
 * system does the same (`/proc`).
 */
function makeFolder(path: string): void {
  if (isFolder(path)) return
  const above = dirname(path)
  if (!isFolder(above)) makeFolder(above)
  try {
    mkdirSync(path, { mode: MODE })
    giveFolder(path, above)
  } catch (error) {
    // Another process made it in the meantime.
    if (isFolder(path)) return
    if (lstatSync(path, { throwIfNoEntry: false })) throw new Error(`${path} is not a folder`, { cause: error })
    throw error
  }
}

/** The same for a folder that was made in another one. Throws Error where a link is in its place by now. */
export function giveFolder(path: string, above: string): void {
  if (process.geteuid?.() !== 0) return
  const descriptor = openSync(path, FOLDER)
  try {
    giveToOwnerOf(above, descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
