import { dirname } from 'node:path'
import { alone } from './alone.ts'
import { checkLinks, checkSize, makeFolders, realPath, removeFile, removeFolders, textAt, writeText } from './files.ts'
import { NotEditable } from './not-editable.ts'
import { backupOf, MAX_RECORD_BYTES, readRecord, recordOf, type SetupRecord } from './record.ts'
import { type TakenOut, takenOut } from './taken-out.ts'

/** What becomes of a file. Undefined: there is none. */
export interface FileChange {
  readonly path: string
  readonly before: string | undefined
  readonly after: string | undefined
  /** Whether somebody has changed it since it was written. */
  readonly edited: boolean
  /** Lines that were written once and were changed since, so that they stay. */
  readonly lost: readonly (readonly string[])[]
}

/** Byte order mark, with which editors of Windows begin a text. */
const MARK = '\uFEFF'

interface Present {
  /** Where links lead. */
  readonly path: string
  readonly text: string | undefined
  readonly record: SetupRecord | undefined
  /** Without what was written before. */
  readonly base: TakenOut & { readonly isThere: boolean }
}

/** The same, and the file without anything that was written by an earlier one. */
export interface PlannedEdit extends FileChange {
  readonly base: string | undefined
}

/**
 * What an edit of its text would do to a file; what was written by an earlier one is taken out before. Changes nothing. Throws what
 * `edit` does.
 */
export function plannedEdit(named: string, edit: (text: string) => string): PlannedEdit {
  const { path, text, base } = look(named)
  const mark = base.text.startsWith(MARK) ? MARK : ''
  if (/\r(?!\n)/.test(base.text))
    throw new NotEditable(
      `${path} has lines that end with a carriage return alone, which clients read in different ways: mend it first`,
    )
  const after = mark + edit(base.text.slice(mark.length))
  // Else it could not be read again.
  checkSize(path, after)
  const start = base.isThere ? base.text : undefined
  return {
    path,
    before: text,
    after: after === '' && start === undefined ? undefined : after,
    edited: false,
    lost: [],
    base: start,
  }
}

/** Writes what was planned for a client, with a copy of the file as it was beside it. Throws Error where the file has changed since. */
export function write({ path, before, after, base }: PlannedEdit, client: string): void {
  if (after === before || after === undefined) return
  const made = makeFolders(dirname(path))
  alone(path, () => {
    checkUnchanged(path, before)
    const record = recordAt(path)
    const folders = [...new Set([...(record?.folders ?? []), ...made])]
    if (base !== undefined) writeText(backupOf(path), base, before === undefined ? backupOf(path) : path)
    else removeFile(backupOf(path))
    // What it was written with may be a secret of the file's owner.
    const next = {
      v: 1,
      existed: base !== undefined,
      written: after,
      earlier: record && before,
      client: record?.client ?? client,
      folders,
    }
    writeText(recordOf(path), JSON.stringify(next), path)
    checkUnchanged(path, before)
    writeText(path, after)
  })
}

/**
 * What taking back would do to a file; undefined where nothing was written into it, or for one of those whose turn is another. Changes
 * nothing.
 */
export function plannedUndo(named: string, others: readonly string[] = []): FileChange | undefined {
  const { path, text, record, base } = look(named)
  if (!record || others.includes(record.client ?? '')) return undefined
  const isGone = !base.isThere
  return { path, before: text, after: isGone ? undefined : base.text, edited: text !== record.written, lost: base.lost }
}

/** Does what was planned, and forgets what was written. Throws Error where a file has changed since. */
export function undo(changes: readonly FileChange[]): void {
  const folders = changes.flatMap(({ path, before, after, lost }) =>
    alone(path, () => {
      checkUnchanged(path, before)
      const record = recordAt(path)
      if (after === undefined) removeFile(path)
      else if (after !== before) writeText(path, after)
      // Somebody may want to look at it then.
      if (lost.length === 0) removeFile(backupOf(path))
      removeFile(recordOf(path))
      return record?.folders ?? []
    }),
  )
  removeFolders(folders)
}

function look(named: string): Present {
  const path = realPath(named)
  checkLinks(named, path)
  const text = textAt(path)
  const record = recordAt(path)
  if (!record || text === undefined)
    return { path, text, record, base: { text: text ?? '', lost: [], isThere: text !== undefined } }
  const backup = record.existed ? textAt(backupOf(path)) : ''
  if (backup === undefined)
    throw new Error(`${backupOf(path)} is gone: take out by hand what «warren setup» wrote into ${path}`)
  const base = takenOut(text, backup, text === record.earlier ? text : record.written)
  return { path, text, record, base: { ...base, isThere: record.existed || base.text.trim() !== '' } }
}

function recordAt(path: string): SetupRecord | undefined {
  const text = textAt(recordOf(path), MAX_RECORD_BYTES)
  return text === undefined ? undefined : readRecord(text, path)
}

function checkUnchanged(path: string, text: string | undefined): void {
  if (textAt(path) !== text) throw new Error(`${path} was changed while it was looked at: run this again`)
}
