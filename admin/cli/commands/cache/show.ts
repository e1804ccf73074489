import { parseDigest } from '../../../../node/digest.ts'
import { type ArtifactView, artifactSchema } from '../../../api/cache-schema.ts'
import { explainSchema } from '../../../api/explain-schema.ts'
import { ApiClient } from '../../api-client.ts'
import { artifactLines } from '../../cache/lines.ts'
import { UsageError } from '../../exit-codes.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { writeLines } from '../../print.ts'
import { found } from './search.ts'

/** Entries that are shown of one package or digest. */
const MOST = 20

/** Shows all that a node knows of what it keeps. Throws UsageError and UnreachableError. */
export async function show(what: string, options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const keys = await keysOf(client, what)
  if (keys.length === 0)
    throw new Error(`nothing of ${JSON.stringify(what)} is kept; «warren explain» says where it would come from`)
  const artifacts: ArtifactView[] = []
  for (const key of keys.slice(0, MOST)) {
    artifacts.push(artifactSchema.parse(await client.get(`/admin/v1/cache/artifact?key=${encodeURIComponent(key)}`)))
  }
  if (options.json) return writeLines(process.stdout, [JSON.stringify(artifacts, null, 2)])
  const look = { now: Date.now(), output: process.stdout }
  writeLines(
    process.stdout,
    artifacts.flatMap((one, at) => [...(at === 0 ? [] : ['']), ...artifactLines(one, look)]),
  )
  if (keys.length > MOST) process.stderr.write(`warren: there is more of it than ${MOST} entries; name a version\n`)
}

async function keysOf(client: ApiClient, what: string): Promise<string[]> {
  if (what.includes('\n')) return [what]
  if (what.startsWith('/')) {
    const { name, held } = explainSchema.parse(await client.get(`/admin/v1/explain?key=${encodeURIComponent(what)}`))
    return name === null || held === null ? [] : [name]
  }
  const query = parseDigest(what) ? { digest: what } : what.startsWith('pkg:') ? { package: what } : undefined
  if (!query)
    throw new UsageError(
      `${JSON.stringify(what)} is no path of a mirror (such as /npm/left-pad), package URL (pkg:npm/left-pad), digest or key`,
    )
  return (await found(client, new URLSearchParams(query), MOST)).map(({ key }) => key)
}
