import { z } from 'zod'

const MAX_LIMIT = 1_000
const LIMIT_MUST = `a whole number from 1 to ${MAX_LIMIT}`
const CURSOR_MUST = 'what the answer before said is next'

const limit = z.coerce
  .number({ error: LIMIT_MUST })
  .int({ error: LIMIT_MUST })
  .min(1, { error: LIMIT_MUST })
  .max(MAX_LIMIT, { error: LIMIT_MUST })

/** Query of a list that can be long. */
export const pageQuery = {
  limit: limit.default(100).describe('Entries of an answer at most'),
  cursor: z
    .string({ error: CURSOR_MUST })
    .regex(/^[\w-]{1,2000}$/, { error: CURSOR_MUST })
    .optional()
    .describe('Where to go on: what the answer before said is next'),
}

/** The same where an answer has all if nobody asks for less. */
export const partQuery = { ...pageQuery, limit: limit.optional().describe('Entries of an answer at most; all if not set') }

/** What an answer with a part of a list says of the rest. */
export const nextSchema = z.string().nullable().describe('Cursor of what follows; null at the end')

/**
 * A part of a list, in the order of keys, each of which is there once. What is added or taken away between two parts is in one of them,
 * or in none, but moves nothing else.
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { limit = MAX_LIMIT, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
): { items: T[]; next: string | null } {
  const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString()
  const sorted = items
    .filter((item) => after === undefined || keyOf(item) > after)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const last = sorted.length > limit ? sorted[limit - 1] : undefined
  return { items: sorted.slice(0, limit), next: last === undefined ? null : Buffer.from(keyOf(last)).toString('base64url') }
}
