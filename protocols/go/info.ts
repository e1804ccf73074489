import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { isCanonical } from './names.ts'

/** What a proxy tells of a version (`go help goproxy`). */
export interface VersionInfo {
  readonly version: string
  /** When its commit was made, in ms since the epoch; null where the proxy does not tell. */
  readonly time: number | null
}

/** Reads the JSON of `.info` and `@latest`. Throws a plain Error for anything else. */
export function parse(bytes: Buffer): ParsedDocument<VersionInfo> {
  const { Version: version, Time: time } = (JSON.parse(bytes.toString()) ?? {}) as Record<string, unknown>
  if (typeof version !== 'string' || !isCanonical(version))
    throw new Error('it has to be an object whose «Version» is a full one')
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  // The zero time of Go stands for none.
  return { spans: [], facts: { version, time: at > 0 ? at : null } }
}

export const infoParser: DocumentParser<VersionInfo> = { id: 'go-info-1', module: import.meta.url, exportName: 'parse', parse }

/** Facts that came back from the cache. */
export function infoFacts(facts: unknown): VersionInfo | undefined {
  const given = facts as Partial<VersionInfo> | null | undefined
  return typeof given?.version === 'string' ? (given as VersionInfo) : undefined
}
