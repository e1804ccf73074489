import type { z } from 'zod'

export type Reading<T> = { readonly value: T; readonly problem?: undefined } | { readonly problem: string }

/**
 * Reads a JSON object that carries its version as `v`; all that Warren keeps and sends has version 1 so far. A problem names a
 * field and never says what is in it, as the errors of JSON.parse and zod may: much of what is read here is secret.
 */
export function readVersioned<T>(json: string, schema: z.ZodType<T>): Reading<T> {
  const value = parsed(json)
  if (value === undefined) return { problem: 'it is not JSON' }
  // Before the fields: another version may well have others, and «update Warren» is what helps then.
  const newer = newerVersionOf(value)
  if (newer !== undefined) return { problem: `it has version ${newer}: a newer Warren made it, this one knows version 1` }
  const result = schema.safeParse(value)
  if (result.success) return { value: result.data }
  const path = result.error.issues[0]?.path ?? []
  if (path.length > 0) return { problem: `its field «${path.join('.')}» is missing or malformed` }
  return { problem: 'it has other fields than it should' }
}

/** Whether JSON has a version that this Warren does not know. */
export function isNewerVersion(json: string): boolean {
  return newerVersionOf(parsed(json)) !== undefined
}

/** Undefined for what is no JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function newerVersionOf(value: unknown): number | undefined {
  const version = value !== null && typeof value === 'object' && 'v' in value ? value.v : undefined
  return Number.isSafeInteger(version) && Number(version) > 1 ? Number(version) : undefined
}
