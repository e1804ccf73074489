import { type LayeredMirrorView, layeredMirrorSchema } from '../../../api/mirrors-schema.ts'
import type { OpAnswer } from '../../../api/ops-schema.ts'
import { ApiClient } from '../../api-client.ts'
import { changeMesh, fateText, type MeshOptions } from '../../mesh-change.ts'
import { mirrorPath } from '../../mirror-path.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { writeLines } from '../../print.ts'

export interface PushOptions extends NodeOptions, MeshOptions {
  readonly undo?: boolean
}

/**
 * Gives mirrors of a node to the whole mesh, as they are at that node now; or takes back that they were. A node whose own settings say
 * something else of one goes on with that. Throws UsageError and UnreachableError.
 */
export async function push(names: readonly string[], options: PushOptions): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const ops: OpAnswer[] = []
  for (const name of names) {
    const change = options.undo
      ? ({ type: 'mirrors.unset', body: { name } } as const)
      : ({ type: 'mirrors.set', body: { name, entry: await entryOf(client, name) } } as const)
    ops.push(await changeMesh(client, change, options))
  }
  if (options.json) return writeLines(process.stdout, [JSON.stringify(ops, null, 2)])
  writeLines(
    process.stdout,
    ops.map((op, at) => `${names[at]} ${becomes(op)}: ${fateText(op)}.`),
  )
}

function becomes({ type, body }: OpAnswer): string {
  if (type === 'mirrors.unset') return 'is a mirror of the mesh no more'
  return Object(body).entry === false ? 'is taken away in the mesh' : 'is a mirror of the mesh'
}

/** That it stands above what the mesh says is for this node alone. */
async function entryOf(client: ApiClient, name: string): Promise<LayeredMirrorView['entry']> {
  const { entry } = layeredMirrorSchema.parse(await client.get(mirrorPath(name)))
  if (entry === false) return false
  const { local: _local, ...shared } = entry
  return shared
}
