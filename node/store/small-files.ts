import { closeSync, fdatasync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Extent } from './journal-format.ts'
import type { Identity } from './open-file.ts'

/** Small files that become durable together. */
export interface GroupWrite {
  /** Descriptor of the journal; all of `group` goes to byte `at` of it. */
  readonly fd: number
  readonly at: number
  readonly group: Uint8Array
  /** Where a file goes, `spare` for where it waits if something is there already, and where its bytes are in `group`. */
  readonly files: readonly (Extent & { readonly path: string; readonly spare: string })[]
}

/** What became of one file: what the system says of it, or the errno name of what the disk refused. */
export type Written = Identity | { readonly code: string }

/** Paths that are synced at the same time: file systems make one commit of what is asked for together. */
const SYNCED_AT_ONCE = 8

const datasync = promisify(fdatasync)

/**
 * Syncs the journal, and then writes each file without a sync of its own, of which it needs none before the journal ends. Runs in a
 * worker: a disk that has much to do holds up whoever writes. Rejects where the journal could not be written.
 */
export async function writeGroup({ fd, at, group, files }: GroupWrite): Promise<Written[]> {
  for (let done = 0; done < group.length; ) done += writeSync(fd, group, done, group.length - done, at + done)
  await datasync(fd)
  return files.map(({ path, spare, offset, length }) => {
    try {
      return place(path, spare, group.subarray(offset, offset + length))
    } catch (error) {
      return { code: codeOf(error) }
    }
  })
}

/** Makes files and folders durable that were written without a sync; those that are gone need none. Rejects with what the disk refused. */
export async function settleFiles(paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += SYNCED_AT_ONCE) {
    await Promise.all(paths.slice(at, at + SYNCED_AT_ONCE).map(settle))
  }
}

/** `code` of an error of the system, else what it says. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** A file of these bytes, in the place of whatever is there. Throws what the system says. */
export function place(path: string, spare: string, bytes: Uint8Array): Identity {
  try {
    return create(path, bytes)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    else if (code === 'EEXIST') return replace(path, spare, bytes)
    else throw error
    return create(path, bytes)
  }
}

/** Both hold the bytes of that digest, and a corrupt one is healed. It may also be something that is no file. */
function replace(path: string, spare: string, bytes: Uint8Array): Identity {
  // Left by one that failed.
  rmSync(spare, { force: true })
  const identity = create(spare, bytes)
  try {
    renameSync(spare, path)
  } catch {
    rmSync(path, { recursive: true, force: true })
    renameSync(spare, path)
  }
  return identity
}

function create(path: string, bytes: Uint8Array): Identity {
  const fd = openSync(path, 'wx', 0o600)
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    const { size, mtimeMs, ino } = fstatSync(fd)
    return { size, mtimeMs, ino }
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

async function settle(path: string): Promise<void> {
  let fd: number
  try {
    fd = openForSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  try {
    await datasync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Some systems sync only what could be written to, and none lets a folder be opened like that. */
function openForSync(path: string): number {
  try {
    return openSync(path, 'r+')
  } catch (error) {
    if (codeOf(error) !== 'EISDIR') throw error
    return openSync(path, 'r')
  }
}
