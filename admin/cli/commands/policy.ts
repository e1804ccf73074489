import { type BlockView, blocksSchema, type PolicyView, policySchema } from '../../api/policy-schema.ts'
import { ApiClient } from '../api-client.ts'
import { formatSpan } from '../format.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { aligned, type Output, styled, table, writeLines } from '../print.ts'
import { LAYERS } from './mirrors/list.ts'

/** Shows which packages a running node lets through. Throws UnreachableError. */
export async function policy(options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const told = policySchema.parse(await client.get('/admin/v1/policy'))
  const blocks = await allBlocks(client)
  if (options.json) writeLines(process.stdout, [JSON.stringify({ ...told, blocks }, null, 2)])
  else writeLines(process.stdout, policyLines(told, blocks, process.stdout))
}

async function allBlocks(client: ApiClient): Promise<BlockView[]> {
  const blocks: BlockView[] = []
  for (let cursor = ''; ; ) {
    const page = blocksSchema.parse(await client.get(`/admin/v1/policy/blocks?limit=1000${cursor}`))
    blocks.push(...page.blocks)
    if (page.next === null) return blocks
    cursor = `&cursor=${page.next}`
  }
}

/** The policy for people: what applies, and which layers say something of it. */
export function policyLines({ effective, layers }: PolicyView, blocks: readonly BlockView[], output: Output): string[] {
  const ages = Object.entries(effective.minimumAge).map(([type, ms]) => `${type}: ${formatSpan(ms)}`)
  const values = { ...effective, minimumAge: ages }
  const rows = Object.entries(values).map(([setting, list]) => {
    const from = (['overlay', 'ledger', 'file'] as const).filter((layer) => isSaid(layers[layer][setting], layer))
    return [setting, list.join(' ') || '(none)', from.map((layer) => LAYERS[layer]).join(', ')]
  })
  const blocked = blocks.map(({ purl, layer, reason }) => [purl, LAYERS[layer], reason ?? ''])
  return [
    ...table(output, [['setting', 'value', 'said by'], ...rows]),
    '',
    ...(blocked.length > 0
      ? table(output, [['blocked', 'by', 'reason'], ...blocked])
      : aligned([[styled(output, 'dim', 'blocked'), '(none)']])),
  ]
}

/** The file has a value for each setting: an empty one, or an age of nothing, says nothing. */
function isSaid(value: unknown, layer: keyof PolicyView['layers']): boolean {
  if (layer === 'file' && Object.values(Object(value)).every((one) => one === 0)) return false
  return value !== undefined && Object.keys(Object(value)).length + (typeof value === 'string' ? 1 : 0) > 0
}
