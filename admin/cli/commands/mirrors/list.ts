import { z } from 'zod'
import { type LayeredMirrorView, layeredMirrorSchema } from '../../../api/mirrors-schema.ts'
import { nextSchema } from '../../../api/paging.ts'
import { ApiClient } from '../../api-client.ts'
import { mirrorTexts } from '../../mirror-text.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { type Output, table, writeLines } from '../../print.ts'

const answer = z.object({ mirrors: z.array(layeredMirrorSchema), next: nextSchema, problems: z.array(z.string()) })

/** What layers are called. */
export const LAYERS = { overlay: 'this node', ledger: 'the mesh', file: 'the file', 'built in': 'built in' } as const

/** Lists the mirrors of a running node. Throws UnreachableError. */
export async function list(options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const { base, token } = nodeAt(options)
  const { mirrors, problems } = await allMirrors(new ApiClient(base, token()))
  if (options.json) writeLines(process.stdout, [JSON.stringify({ mirrors, problems }, null, 2)])
  else writeLines(process.stdout, mirrorLines(mirrors, problems, process.stdout))
}

export async function allMirrors(client: ApiClient): Promise<{ mirrors: LayeredMirrorView[]; problems: readonly string[] }> {
  const mirrors: LayeredMirrorView[] = []
  for (let cursor = ''; ; ) {
    const page = answer.parse(await client.get(`/admin/v1/mirrors?limit=1000${cursor}`))
    mirrors.push(...page.mirrors)
    if (page.next === null) return { mirrors, problems: page.problems }
    cursor = `&cursor=${page.next}`
  }
}

/** The mirrors for people. */
export function mirrorLines(mirrors: readonly LayeredMirrorView[], problems: readonly string[], output: Output): string[] {
  const rows = mirrors.flatMap(({ name, layer, mirror, shadows }) => {
    const from = [LAYERS[layer], shadows.map((one) => LAYERS[one.layer]).join(', ')]
    if (!mirror) return [[name, '', '', ...from, 'taken away']]
    const [first, ...bound] = mirrorTexts(mirror)
    const protocol = mirror.registry === undefined ? mirror.protocol : `${mirror.protocol} ${mirror.registry}`
    return [[name, protocol, mirror.path, ...from, first], ...bound.map((text) => ['', '', '', '', '', text])]
  })
  return [
    ...table(output, [['mirror', 'protocol', 'path', 'from', 'shadows', 'upstreams'], ...rows]),
    ...(problems.length > 0 ? ['', 'What the mesh says and cannot be at this node:', ...problems] : []),
  ]
}
