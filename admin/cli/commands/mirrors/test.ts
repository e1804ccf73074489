import { type MirrorTest, mirrorTestSchema } from '../../../api/mirrors-schema.ts'
import { ApiClient } from '../../api-client.ts'
import { EXIT } from '../../exit-codes.ts'
import { mirrorPath } from '../../mirror-path.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { type Output, styled, table, writeLines } from '../../print.ts'
import { allMirrors } from './list.ts'

/** Ms that the node gets: it gives its upstreams ten seconds. */
const PATIENCE = 20_000

type Tested = MirrorTest['upstreams'][number] & { readonly mirror: string }

/** Has a running node ask the upstreams of mirrors; the exit code says whether all is well. Throws UsageError and UnreachableError. */
export async function test(names: readonly string[], options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const all = names.length > 0 ? names : (await allMirrors(client)).mirrors.flatMap(({ name, mirror }) => (mirror ? name : []))
  const tested: Tested[] = []
  for (const name of all) {
    const { json } = await client.ask('POST', `${mirrorPath(name)}/test`, { patience: PATIENCE })
    tested.push(...mirrorTestSchema.parse(json).upstreams.map((one) => ({ mirror: name, ...one })))
  }
  if (tested.some(({ problem }) => problem !== null)) process.exitCode = EXIT.failure
  if (options.json) writeLines(process.stdout, [JSON.stringify({ upstreams: tested }, null, 2)])
  else writeLines(process.stdout, testLines(tested, process.stdout))
}

/** How upstreams answered, for people. */
export function testLines(tested: readonly Tested[], output: Output): string[] {
  if (tested.length === 0) return ['These mirrors ask no upstream of their own.']
  const rows = tested.map(({ mirror, url, status, ms, problem, reachable }) => {
    const verdict =
      problem === null
        ? styled(output, 'green', 'well')
        : styled(output, reachable ? 'yellow' : 'red', reachable ? 'answers' : 'fails')
    return [
      mirror,
      url,
      status === null ? '' : `HTTP ${status}`,
      `${Math.round(ms)} ms`,
      problem === null ? verdict : `${verdict}: ${problem}`,
    ]
  })
  return table(output, [['mirror', 'upstream', 'answer', 'after', 'verdict'], ...rows])
}
