import { z } from 'zod'
import { type LayeredMirrorView, layeredMirrorSchema } from '../../../api/mirrors-schema.ts'
import { ApiClient } from '../../api-client.ts'
import { mirrorPath } from '../../mirror-path.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { writeLines } from '../../print.ts'
import { LAYERS } from './list.ts'

type Options = NodeOptions & { readonly json?: boolean }

/** Takes a mirror away at a running node, also one that another layer has. Throws UsageError and UnreachableError. */
export async function remove(name: string, options: Options): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const { json, etag } = await client.ask('GET', mirrorPath(name))
  const { layer, shadows, mirror } = layeredMirrorSchema.parse(json)
  const headers = { 'if-match': etag ?? '*' }
  const below = layer === 'overlay' ? shadows.find(({ entry }) => entry !== false) : { layer }
  if (!mirror) return tell(options, { removed: name }, `${name} is taken away already`)
  // What is below would come to light again.
  if (below) await client.ask('PUT', mirrorPath(name), { body: false, headers })
  else await client.ask('DELETE', mirrorPath(name), { headers })
  const back = below ? `, though ${holder(below.layer)}; «warren mirrors restore ${name}» takes that back` : ''
  tell(options, { removed: name }, `${name} is taken away at this node${back}`)
}

/** Leaves a mirror to the layers below again. Throws UsageError and UnreachableError. */
export async function restore(name: string, options: Options): Promise<void> {
  const { base, token } = nodeAt(options)
  const { json } = await new ApiClient(base, token()).ask('DELETE', mirrorPath(name))
  const { mirror } = z.object({ mirror: layeredMirrorSchema.nullable() }).parse(json)
  const how = mirror?.mirror ? `is there again: ${holder(mirror.layer)}` : mirror && `stays away: ${holder(mirror.layer)} so`
  tell(options, json, how ? `${name} ${how}` : `There is no mirror ${name} any more`)
}

/** Whose word a mirror is now. */
function holder(layer: LayeredMirrorView['layer']): string {
  return layer === 'built in' ? 'it is built in' : `${LAYERS[layer]} has it`
}

function tell({ json }: Options, facts: unknown, text: string): void {
  writeLines(process.stdout, [json ? JSON.stringify(facts, null, 2) : `${text}.`])
}
