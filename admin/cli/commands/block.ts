import { z } from 'zod'
import { blockSchema } from '../../api/policy-schema.ts'
import { ApiClient } from '../api-client.ts'
import { changeMesh, fateText, isForMesh, type MeshOptions } from '../mesh-change.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { printable, writeLines } from '../print.ts'
import { LAYERS } from './mirrors/list.ts'

type Options = NodeOptions & MeshOptions & { readonly reason?: string }

/** Blocks a package URL at a running node, or in the whole mesh. Throws UsageError and UnreachableError. */
export async function block(purl: string, options: Options): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const body = { purl, ...(options.reason === undefined ? {} : { reason: options.reason }) }
  if (isForMesh(options)) {
    const op = await changeMesh(client, { type: 'policy.block', body }, options)
    return tell(options, op, `${purl} is given out no more: ${fateText(op)}; «warren unblock --mesh» takes it back`)
  }
  const { json } = await client.ask('POST', '/admin/v1/policy/blocks', { body })
  const blocked = blockSchema.parse(json)
  tell(options, json, `${blocked.purl} is given out no more at this node; «warren unblock» takes it back`)
}

/** Takes such a block back. Throws UsageError and UnreachableError. */
export async function unblock(purl: string, options: Options): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  if (isForMesh(options)) {
    const op = await changeMesh(client, { type: 'policy.unblock', body: { purl } }, options)
    return tell(options, op, `${purl} is not blocked in the mesh any more: ${fateText(op)}`)
  }
  const { json } = await client.ask('DELETE', `/admin/v1/policy/blocks?purl=${encodeURIComponent(purl)}`)
  const { still, denied } = z.object({ still: z.array(blockSchema), denied: z.boolean().default(false) }).parse(json)
  const by = still[0] ? `by ${LAYERS[still[0].layer]} still` : 'no more at this node'
  tell(options, json, `${purl} is blocked ${by}${denied ? '; policy.deny denies it still' : ''}`)
}

function tell({ json }: Options, facts: unknown, text: string): void {
  writeLines(process.stdout, [json ? JSON.stringify(facts, null, 2) : `${printable(text)}.`])
}
