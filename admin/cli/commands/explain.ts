import { type Algorithm, DIGEST_BYTES, parseDigest } from '../../../node/digest.ts'
import { type Explanation, explainSchema } from '../../api/explain-schema.ts'
import { ApiClient } from '../api-client.ts'
import { UsageError } from '../exit-codes.ts'
import { explainLines } from '../explain/lines.ts'
import { targetsNamed } from '../explain/targets.ts'
import { Mirrors } from '../get/mirrors.ts'
import { otherMeaning } from '../get/other-meaning.ts'
import { Progress } from '../images/progress.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { writeLines } from '../print.ts'
import { nodeOf } from './get.ts'

export interface ExplainOptions extends NodeOptions {
  readonly mirror?: readonly string[]
  readonly json?: boolean
}

/**
 * Says where something would come from now, and why: each file of a package. Documents that tell which files there are may be
 * fetched; the files are not. Throws UsageError and UnreachableError.
 */
export async function explain(name: string, options: ExplainOptions): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const explanations: Explanation[] = []
  for (const key of await keysOf(name, options)) {
    const answer = explainSchema.safeParse(await client.get(`/admin/v1/explain?key=${encodeURIComponent(key)}`))
    if (!answer.success)
      throw new Error(`${base} answers with something that explains nothing; is it a node of another version?`)
    explanations.push(answer.data)
  }
  if (options.json) return writeLines(process.stdout, [JSON.stringify(explanations, null, 2)])
  const look = { now: Date.now(), output: process.stdout }
  writeLines(
    process.stdout,
    explanations.flatMap((one, at) => [...(at === 0 ? [] : ['']), ...explainLines(one, look)]),
  )
  const other = isPlain(name) ? otherMeaning(name) : undefined
  if (other !== undefined && explanations.every(({ held }) => held === null))
    process.stderr.write(`warren: ${name} is read as an image; ${other}\n`)
}

/** Whether it is neither a path, a digest nor a package URL, and so the name of an image. */
function isPlain(name: string): boolean {
  return !name.startsWith('/') && !/^pkg:/i.test(name) && !parseDigest(name)
}

async function keysOf(name: string, options: ExplainOptions): Promise<readonly string[]> {
  if (name.startsWith('/') || parseDigest(name)) return [name]
  const [before = ''] = name.split(':')
  // Docker would read the image «sha256» with a tag.
  if (before !== name && Object.hasOwn(DIGEST_BYTES, before))
    throw new UsageError(
      `${JSON.stringify(name)} is no digest: behind ${before}: come ${DIGEST_BYTES[before as Algorithm] * 2} digits from 0 to f`,
    )
  const mirrors = new Mirrors({ ...(await nodeOf(options)), named: options.mirror ?? [] })
  return targetsNamed(name, { mirrors, progress: new Progress(process.stderr) })
}
