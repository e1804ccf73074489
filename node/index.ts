import { join } from 'node:path'
import { buildComponents, type Overrides } from './components.ts'
import { FileWatch } from './config/file-watch.ts'
import type { Config, MirrorConfig } from './config/schema.ts'
import { reasonOf, WarrenError } from './errors.ts'
import { LEDGER_FILE } from './ledger/ledger.ts'
import { urlOf } from './listener-url.ts'
import { removeNodeFile, writeNodeFile } from './node-file.ts'
import { MeshFolder } from './trust/mesh-folder.ts'

export interface NodeUrls {
  /** Base URLs of the mirror listeners, without a trailing slash. */
  readonly listen: readonly string[]
  /** Base URL of the admin listener, or `unix:` and the path of its socket. */
  readonly admin: string
  /** Base URL of the listener for metrics, where there is one. */
  readonly metrics?: string
}

/** One running Warren node. */
export interface Node extends AsyncDisposable {
  readonly id: string
  /** Resolves when the node answers. Throws ADDRESS_IN_USE, STORE_UNUSABLE, SECRET_EXPOSED or MESH_UNREADABLE. */
  start(): Promise<NodeUrls>
  /** Lets answers under way finish, then frees everything. Idempotent. */
  stop(): Promise<void>
  /**
   * Replaces the mirrors of the configuration; requests under way end with those that they began with. What was changed by REST stands
   * above them. Throws CONFIG_INVALID, and changes nothing then.
   */
  applyMirrors(mirrors: readonly MirrorConfig[]): void
  /** Replaces the policy of the configuration, from the next request on. */
  applyPolicy(policy: Config['policy']): void
}

/** Makes a node; nothing listens before `start`. Throws STORE_LOCKED, STORE_UNUSABLE, STORE_UNKNOWN or CONFIG_INVALID. */
export async function createNode(config: Config, overrides?: Overrides): Promise<Node> {
  const { id, log, server, settings, mesh, permanence, disposer } = await buildComponents(config, overrides)
  let stopping: Promise<void> | undefined
  let started = false
  const watch = new FileWatch({
    files: ['membership.json', LEDGER_FILE].map((name) => join(new MeshFolder(config.data).path, name)),
    onChange: () => void mesh.reload(),
  })
  // Somebody may have put something else there; the ports and the store are to be freed in any case.
  const forgetWhereItIs = () => {
    try {
      removeNodeFile(config.data)
    } catch (error) {
      log.warn(`node.json stays in ${config.data}: ${reasonOf(error)}`)
    }
  }
  const stop = () => {
    stopping ??= (async () => {
      if (started) forgetWhereItIs()
      watch.stop()
      await disposer.disposeAsync()
      if (started) log.info('stopped')
    })()
    return stopping
  }
  return {
    id,
    async start() {
      watch.start()
      permanence?.start()
      await mesh.start()
      const { listen, admin, metrics } = await server.start()
      const urls = { listen: listen.map(urlOf), admin: urlOf(admin), ...(metrics && { metrics: urlOf(metrics) }) }
      tellWhereItIs(config.data, urls)
      started = true
      log.info({ ...urls, data: config.data }, 'ready')
      return urls
    },
    stop,
    applyMirrors: (mirrors) => settings.setBase({ mirrors }),
    applyPolicy: (policy) => settings.setBase({ policy }),
    [Symbol.asyncDispose]: stop,
  }
}

/** Without it the command line would not find the node, nor a second one the first. */
function tellWhereItIs(data: string, urls: NodeUrls): void {
  try {
    writeNodeFile(data, { pid: process.pid, ...urls })
  } catch (cause) {
    const message = `the data folder ${data} cannot be used: ${reasonOf(cause)}; choose a writable one with --data`
    throw new WarrenError('STORE_UNUSABLE', message, { cause })
  }
}
