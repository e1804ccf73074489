import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Nobody but this user looks into it (XDG Base Directory Specification 0.8 for the folders above). */
const MODE = 0o700

/** Makes the folder of a node with those above it; throws the reason when nothing can be written there. */
export function makeDataFolder(path: string): void {
  makeFolder(path)
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
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
  } catch (error) {
    // Another process made it in the meantime.
    if (isFolder(path)) return
    if (lstatSync(path, { throwIfNoEntry: false })) throw new Error(`${path} is not a folder`, { cause: error })
    throw error
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
