import type { Config } from '../../../node/config/schema.ts'
import { layerOf } from '../../../node/ledger-layer.ts'
import { toHostPort } from '../../../node/tcp-address.ts'
import { StrangerError, UnreachableError, UsageError } from '../exit-codes.ts'
import { mirrorAddress, reachable } from '../images/mirror-address.ts'
import { meshOf } from '../mesh-admin.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { toldBy } from '../node-status.ts'
import { loadSettings, withOverlay } from '../settings.ts'
import type { ClientMirror } from './mirror.ts'

/** The mirrors of the node that clients are led to. */
export interface OwnMirrors {
  readonly mirrors: readonly ClientMirror[]
  /** Addresses of its listeners, and the one that clients get. */
  readonly listeners: readonly string[]
  /** Whether it answered; else all of this is from its settings. */
  readonly runs: boolean
}

type Mirrors = readonly (Omit<ClientMirror, 'url'> & { readonly path: string })[]

/**
 * What the node that is meant has, as it says; where none runs, or it does not show it, what its settings say. Throws CONFIG_INVALID,
 * UsageError, and UnreachableError for one that `--node` names.
 */
export async function ownMirrors(options: NodeOptions): Promise<OwnMirrors> {
  const config = options.node === undefined ? settingsOf(options) : undefined
  const running = await runningNode(options, config)
  if (typeof running === 'object') return running
  if (!config) throw new Error(`${options.node} shows its mirrors to whoever has its token only: set WARREN_TOKEN`)
  const listeners = config.listen.map((address) => `http://${toHostPort(address)}`)
  const base = config.publicUrl ?? listeners[0]
  if (base === undefined || config.listen[0]?.port === 0)
    throw new UsageError('the settings of the node have no address that clients could be told (listen); start it, or set one')
  return { mirrors: below(reachable(base), config.mirrors), listeners: [base, ...listeners], runs: running }
}

function settingsOf(options: NodeOptions): Config {
  const settings = loadSettings(options)
  const mesh = meshOf(settings.config.data)
  return withOverlay(settings, mesh && layerOf(mesh.ledger.state)).config
}

/** Whether one runs, where it does not tell its mirrors. */
async function runningNode(options: NodeOptions, config: Config | undefined): Promise<OwnMirrors | boolean> {
  try {
    const address = nodeAt(options)
    const { status } = await toldBy(address)
    if (!('mirrors' in status)) return true
    const { listen } = status.node
    const base = config?.publicUrl ?? mirrorAddress(listen, address.base)
    return { mirrors: below(base, status.mirrors), listeners: [base, ...listen], runs: true }
  } catch (error) {
    // Clients that are led to its address would come to who has that now.
    if (error instanceof StrangerError && config) process.stderr.write(`warren: ${error.message}\n`)
    // Clients are often set up before the node is started.
    if (error instanceof UnreachableError && config) return false
    throw error
  }
}

function below(base: string, mirrors: Mirrors): ClientMirror[] {
  const start = base.replace(/\/$/, '')
  return mirrors.map(({ name, protocol, upstreams, registry, path }) => ({
    name,
    protocol,
    upstreams,
    registry,
    url: start + path,
  }))
}
