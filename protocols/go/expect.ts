import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { isAbsence, isWarrenError } from '../../node/errors.ts'
import type { Head } from './head.ts'
import { isIncluded } from './inclusion.ts'
import { isSignedBy, type Verifier } from './note.ts'
import { checksumIn, type LogRecord } from './record.ts'
import type { Tile } from './tiles.ts'

export interface Asked {
  readonly module: string
  readonly version: string
  readonly of: 'zip' | 'mod'
  /** Whether the database knows all that upstream has, and its «no» is about a moment only. */
  readonly isListed: boolean
}

/** The log of a checksum database, as it is asked through one upstream. */
export interface Log {
  readonly verifier: Verifier
  readonly head: Plan
  tile(tile: Tile): Plan
}

/**
 * What must be true of a module's zip or go.mod, by the checksum database: its record of the version has to be in the log whose
 * head it signed. No digests where the database does not know the version, as with private modules. Undefined where it should know it,
 * or where its record does not tell, or is not in the log; rejects when upstream cannot be asked.
 */
export async function expectFile(
  asked: Asked,
  plan: Plan,
  log: Log,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation | undefined> {
  const record = await recordOf(plan, lookup, signal)
  if (!record) return asked.isListed ? undefined : { digests: [] }
  const hex = checksumIn(record, asked.module, asked.version, asked.of)
  // One that just came may be unproven.
  if (hex === undefined || !(await isInLog(record, log, lookup, signal))) return undefined
  return { digests: [{ algorithm: asked.of === 'zip' ? 'h1' : 'h1mod', hex }] }
}

/** Whether a record is in the log of which some head was signed. Rejects when that cannot be told. */
export async function isInLog(record: LogRecord, log: Log, lookup: Lookup, signal: AbortSignal): Promise<boolean> {
  let missing: unknown
  for await (const head of headsOver(record, log, lookup, signal)) {
    try {
      if (await isIncluded(record, head, log.tile, lookup, signal)) return true
    } catch (error) {
      if (!isAbsence(error)) throw error
      // That is how it looks where the log was begun anew, too, and is shorter now than this head.
      missing = error
    }
  }
  if (missing) throw missing
  return false
}

async function recordOf(plan: Plan, lookup: Lookup, signal: AbortSignal): Promise<LogRecord | undefined> {
  // A record that was in the log stays there.
  const cached = await lookup.cached(plan)
  if (cached !== undefined) return cached as LogRecord
  try {
    return (await lookup.fetch(plan, signal)) as LogRecord
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/**
 * Signed heads of a log that is long enough. One for many records, however old, comes first: each record has a head of its own, and
 * each of those would take other tiles of the end of the log. The one that is held may be of a log that was begun anew since.
 */
async function* headsOver(
  record: LogRecord,
  { head, verifier }: Log,
  lookup: Lookup,
  signal: AbortSignal,
): AsyncGenerator<Head, void> {
  const isOver = (given: unknown): given is Head => {
    const known = given as Head | undefined
    return known !== undefined && known.size > record.id && isSignedBy(known.note, verifier)
  }
  const cached = await lookup.cached(head)
  if (isOver(cached)) yield cached
  const latest = await lookup.fetch(head, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    if (isWarrenError(error)) return undefined
    throw error
  })
  if (isOver(latest)) yield latest
  if (isOver(record.head)) yield record.head
}
