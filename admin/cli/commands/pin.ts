import { setTimeout } from 'node:timers/promises'
import { pinsSchema, placeSchema } from '../../api/pins-schema.ts'
import { statusSchema } from '../../api/status-schema.ts'
import { ApiClient } from '../api-client.ts'
import { EXIT } from '../exit-codes.ts'
import { JOIN_ONE } from '../mesh-facts.ts'
import { nodeAt } from '../node-address.ts'
import { overviewLines, type Placed, placeLines } from '../pins/lines.ts'
import { targetsOf, warmPaths } from '../pins/targets.ts'
import { writeLines } from '../print.ts'
import { type GetOptions, warmUp } from './get.ts'

/** Ms that seeds get to take what the node has just fetched, and between two questions whether they have. */
const PATIENCE = 10_000
const BETWEEN_LOOKS = 250

export type PinOptions = Omit<GetOptions, 'lockfile'>

/**
 * Shows on which seeds the pins are; of what is named, that after the node was warmed up with it. Throws UsageError and
 * UnreachableError.
 */
export async function pin(names: readonly string[], options: PinOptions): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  if (names.length === 0) await showAll(client, base, options)
  else await showSome(client, base, names, options)
}

async function showAll(client: ApiClient, base: string, { json }: PinOptions): Promise<void> {
  const answer = await client.get('/admin/v1/pins')
  const pins = pinsSchema.safeParse(answer)
  const status = statusSchema.safeParse(await client.get('/admin/v1/status'))
  if (!pins.success || !status.success) throw strange(base)
  if (json) writeLines(process.stdout, [JSON.stringify(answer, null, 2)])
  else writeLines(process.stdout, overviewLines(pins.data, { mesh: status.data.mesh, now: Date.now(), output: process.stdout }))
}

async function showSome(client: ApiClient, base: string, names: readonly string[], options: PinOptions): Promise<void> {
  const { data: status } = statusSchema.safeParse(await client.get('/admin/v1/status'))
  if (!status) throw strange(base)
  if (status.mesh.state === 'lone')
    throw new Error(`the node at ${base} is in no mesh, so it keeps things for itself; ${JOIN_ONE}`)
  const { paths, others } = split(names)
  const warmed = others.length > 0 ? await warmUp(others, options) : undefined
  const warmedPaths = await warmPaths(paths, options)
  const failures = [...(warmed?.failures ?? []), ...warmedPaths.failures]
  if (failures.length > 0) process.exitCode = EXIT.failure
  const pins = await settled(client, base, [...new Set([...warmedPaths.targets, ...targetsOf(warmed)])])
  if (options.json) writeLines(process.stdout, [JSON.stringify({ pins, failures }, null, 2)])
  else if (pins.length > 0) writeLines(process.stdout, placeLines(pins, process.stdout))
  if (status.mesh.role !== 'seed' && status.mesh.seeds === 0)
    process.stderr.write('warren: no seed is connected, so that only this node has what is named here until one is\n')
}

/** Paths of mirrors name what no package URL does, such as a file of a generic mirror. */
function split(names: readonly string[]): { paths: string[]; others: string[] } {
  return { paths: names.filter((name) => name.startsWith('/')), others: names.filter((name) => !name.startsWith('/')) }
}

/** Where pins are once all are on their seeds, or as far as that went after a while. */
async function settled(client: ApiClient, base: string, targets: readonly string[]): Promise<Placed[]> {
  const end = performance.now() + PATIENCE
  const placed = new Map<string, Placed>()
  for (;;) {
    for (const target of targets) {
      if (!isOnItsWay(placed.get(target))) continue
      const answer = placeSchema.safeParse(await client.get(`/admin/v1/pins/place?target=${encodeURIComponent(target)}`))
      if (!answer.success) throw strange(base)
      placed.set(target, { target, place: answer.data.place })
    }
    const all = [...placed.values()]
    if (!all.some(isOnItsWay) || performance.now() > end) return all
    await setTimeout(BETWEEN_LOOKS)
  }
}

/** Whether it may be on more seeds in a moment. */
function isOnItsWay(placed: Placed | undefined): boolean {
  if (!placed) return true
  return placed.place?.seeds.some(({ belongs, holds }) => belongs && holds === false) === true
}

function strange(base: string): Error {
  return new Error(`${base} answers with something that tells of no pins; is it a node of another version?`)
}
