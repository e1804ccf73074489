import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { isWarrenError } from '../../node/errors.ts'
import type { Head } from './head.ts'
import { isIncluded } from './inclusion.ts'
import { isSignedBy, type Verifier } from './note.ts'
import { checksumIn, type LogRecord } from './record.ts'
import type { Tile } from './tiles.ts'

export interface Asked {
  readonly module: string
  readonly version: string
  readonly of: 'zip' | 'mod'
}

/** A checksum database, as it is asked through one upstream. */
export interface Sources {
  readonly verifier: Verifier
  readonly record: Plan
  readonly head: Plan
  tile(tile: Tile): Plan
}

/**
 * What must be true of a module's zip or go.mod, by the checksum database: its record of the version has to be in the log whose
 * head it signed. No digests where the database does not know the version, as with private modules. Undefined where its record does
 * not tell, or is not in the log; rejects when upstream cannot be asked.
 */
export async function expectFile(
  asked: Asked,
  sources: Sources,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation | undefined> {
  const record = await recordOf(sources, lookup, signal)
  if (!record) return { digests: [] }
  const hex = checksumIn(record, asked.module, asked.version, asked.of)
  if (hex === undefined) return undefined
  const head = await headOver(record, sources, lookup, signal)
  if (!head || !(await isIncluded(record, head, sources.tile, lookup, signal))) return undefined
  return { digests: [{ algorithm: asked.of === 'zip' ? 'h1' : 'h1mod', hex }] }
}

async function recordOf({ record }: Sources, lookup: Lookup, signal: AbortSignal): Promise<LogRecord | undefined> {
  // A record that was in the log stays there.
  const cached = await lookup.cached(record)
  if (cached !== undefined) return cached as LogRecord
  try {
    return (await lookup.fetch(record, signal)) as LogRecord
  } catch (error) {
    if (isWarrenError(error, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE')) return undefined
    throw error
  }
}

/**
 * A signed head of a log that is long enough. One for many records, however old: each record comes with a head of its own, and each
 * of those would take other tiles of the end of the log.
 */
async function headOver(
  record: LogRecord,
  { head, verifier }: Sources,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Head | undefined> {
  const isOver = (given: unknown): given is Head => {
    const known = given as Head | undefined
    return known !== undefined && known.size > record.id && isSignedBy(known.note, verifier)
  }
  const cached = await lookup.cached(head)
  if (isOver(cached)) return cached
  const latest = await lookup.fetch(head, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    if (isWarrenError(error)) return undefined
    throw error
  })
  if (isOver(latest)) return latest
  return isOver(record.head) ? record.head : undefined
}
