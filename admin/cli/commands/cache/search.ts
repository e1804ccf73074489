import { z } from 'zod'
import { type KeptView, keptSchema } from '../../../api/cache-schema.ts'
import { ApiClient } from '../../api-client.ts'
import { keptLines } from '../../cache/lines.ts'
import { UsageError } from '../../exit-codes.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { writeLines } from '../../print.ts'

export interface SearchOptions extends NodeOptions {
  readonly mirror?: string
  readonly limit: string
  readonly json?: boolean
}

const pageSchema = z.object({ entries: z.array(keptSchema), next: z.string().nullable() })

/** Lists what a node keeps. Throws UsageError and UnreachableError. */
export async function search(text: string | undefined, options: SearchOptions): Promise<void> {
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError(`--limit ${options.limit} is no number of entries`)
  const isPackage = text?.startsWith('pkg:') === true
  // One of them is enough for the node; of a package in a mirror the mirror is looked at here.
  const query = new URLSearchParams(text === undefined ? {} : isPackage ? { package: text } : { q: text })
  if (options.mirror !== undefined && !isPackage) query.set('mirror', options.mirror)
  const { base, token } = nodeAt(options)
  const all = await found(new ApiClient(base, token()), query, limit, ({ mirrors }) => {
    return options.mirror === undefined || mirrors.includes(options.mirror)
  })
  const entries = all.slice(0, limit)
  if (options.json) return writeLines(process.stdout, [JSON.stringify(entries, null, 2)])
  const look = { now: Date.now(), output: process.stdout }
  writeLines(process.stdout, entries.length === 0 ? ['Nothing of that is kept.'] : keptLines(entries, look))
  if (all.length > limit) process.stderr.write(`warren: there is more; --limit shows more than ${limit}\n`)
}

/** One more than `limit` at most, so that it is known whether there is more. */
export async function found(
  client: Pick<ApiClient, 'get'>,
  query: URLSearchParams,
  limit: number,
  isMeant: (one: KeptView) => boolean = () => true,
): Promise<KeptView[]> {
  const entries: KeptView[] = []
  query.set('limit', String(Math.min(limit + 1, 1_000)))
  for (;;) {
    const page = pageSchema.safeParse(await client.get(`/admin/v1/cache?${query}`))
    if (!page.success) throw new Error('the answer tells of no cache; is it a node of another version?')
    entries.push(...page.data.entries.filter(isMeant))
    if (page.data.next === null || entries.length > limit) return entries
    query.set('cursor', page.data.next)
  }
}
