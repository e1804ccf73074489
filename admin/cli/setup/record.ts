import { basename, dirname, join, sep } from 'node:path'
import { z } from 'zod'
import { MAX_BYTES } from './files.ts'

/** Largest record, in bytes: it has two texts, in which each byte may be six of JSON, and names of folders. */
export const MAX_RECORD_BYTES = 13 * MAX_BYTES

const schema = z.object({
  v: z.literal(1),
  /** Whether the file was there before. */
  existed: z.boolean(),
  /** All of it, as it was written. */
  written: z.string(),
  /** All of it as an earlier run had written it, where there was one: what is still there if this one was killed before the file was written. */
  earlier: z.string().optional(),
  /** Client that it was written for. */
  client: z.string().optional(),
  /** Folders that were made for it, the outermost first. */
  folders: z.array(z.string()),
})

/** What has to be known to take back what was written into a file. It lies beside that file, and the file as it was, too. */
export type SetupRecord = z.output<typeof schema>

/** The file as it was before; none where there was no file. apt and others pass over what ends in `.bak`. */
export function backupOf(path: string): string {
  return `${path}.warren.bak`
}

export function recordOf(path: string): string {
  return join(dirname(path), `${basename(path).replace(/^\.?/, '.')}.warren-undo.bak`)
}

/** Throws Error for what is no record. */
export function readRecord(text: string, path: string): SetupRecord {
  try {
    const record = schema.parse(JSON.parse(text))
    // Nothing but what lies above the file may be removed with it.
    if (record.folders.every((folder) => path.startsWith(folder + sep))) return record
  } catch {
    // Said below.
  }
  throw new Error(
    `${recordOf(path)} is no record of Warren: remove it, and take out by hand what «warren setup» wrote into ${path}`,
  )
}
