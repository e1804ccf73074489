import { reasonOf } from '../../../node/errors.ts'
import { examinationSchema } from '../../api/examination-schema.ts'
import { peersSchema } from '../../api/peers-schema.ts'
import { ApiClient, tokenText } from '../api-client.ts'
import { UnreachableError, UsageError } from '../exit-codes.ts'
import { type NodeAddress, type NodeOptions, nodeAt } from '../node-address.ts'
import { toldBy } from '../node-status.ts'
import { loadSettings } from '../settings.ts'
import { thisMachine } from './machine.ts'
import type { NodeFacts, Scene } from './scene.ts'

/** Ms that a node gets to try its upstreams: longer than it gives them. */
const PATIENCE = 30_000

/** All that can be known of the node that is meant and of this machine. Whatever is missing is something that checks tell of. */
export async function gather(options: NodeOptions): Promise<Scene> {
  const { address, trouble } = locate(options)
  const told = address ? await ask(address) : { node: undefined, trouble }
  return {
    now: Date.now(),
    machine: thisMachine(),
    base: address?.base ?? '',
    node: told.node,
    trouble: told.trouble,
    local: options.node === undefined ? settingsOf(options) : undefined,
  }
}

function locate(options: NodeOptions): { address?: NodeAddress; trouble?: string } {
  try {
    return { address: nodeAt(options) }
  } catch (error) {
    if (error instanceof UsageError) throw error
    return { trouble: reasonOf(error) }
  }
}

async function ask(address: NodeAddress): Promise<{ node: NodeFacts | undefined; trouble: string | undefined }> {
  try {
    const { status } = await toldBy(address)
    if ('mirrors' in status) return { node: await askAll(status, address), trouble: undefined }
    return { node: onlyCounts(status), trouble: tokenText(address.base) }
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (error instanceof UnreachableError) return { node: undefined, trouble: reasonOf(error) }
    // Its token cannot be read here, or is another one.
    const counts = await toldBy({ base: address.base, token: () => undefined }).catch(() => undefined)
    return { node: counts && onlyCounts(counts.status), trouble: reasonOf(error) }
  }
}

function onlyCounts(status: NodeFacts['status']): NodeFacts {
  return { status, peers: undefined, examination: undefined }
}

async function askAll(status: NodeFacts['status'], address: NodeAddress): Promise<NodeFacts> {
  const client = new ApiClient(address.base, address.token())
  // An older node has less to tell.
  const [peers, examination] = await Promise.all(
    ['peers', 'examination'].map(async (what) => {
      const answer = await client.ask('GET', `/admin/v1/${what}`, { patience: PATIENCE }).catch(() => undefined)
      return answer?.json
    }),
  )
  return {
    status,
    peers: peersSchema.safeParse(peers).data?.peers,
    examination: examinationSchema.safeParse(examination).data,
  }
}

function settingsOf(options: NodeOptions): Scene['local'] {
  try {
    return { settings: loadSettings(options), trouble: undefined }
  } catch (error) {
    return { settings: undefined, trouble: error instanceof Error ? error.message : String(error) }
  }
}
