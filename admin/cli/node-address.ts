import { formatAddress } from '../../node/config/address.ts'
import { TOKEN_VARIABLE } from '../../node/config/env.ts'
import { readNodeFile } from '../../node/node-file.ts'
import type { ShownToken } from './api-client.ts'
import { START_ONE, UnreachableError } from './exit-codes.ts'
import { ownToken } from './own-node.ts'
import { secretVariable } from './secret-variable.ts'
import { loadSettings } from './settings.ts'

export interface NodeOptions {
  readonly node?: string
  readonly config?: string
  readonly data?: string
}

export interface NodeAddress {
  /** Base of its admin API, as ApiClient takes it. */
  readonly base: string
  /** Its token, where that is known. Throws SECRET_EXPOSED. */
  token(): ShownToken | undefined
}

/**
 * The node that is meant: the one that `--node` names; else the one on the data folder of the settings; else whatever listens
 * where one with these settings would. Throws UnreachableError and CONFIG_INVALID.
 */
export function nodeAt(options: NodeOptions): NodeAddress {
  const named = (proven: boolean) => () => {
    const value = secretVariable(TOKEN_VARIABLE)?.text
    return value === undefined ? undefined : { value, proven }
  }
  // It may be behind a proxy or a forwarded port, under an address that it does not know.
  if (options.node !== undefined) return { base: options.node, token: named(false) }
  const { config } = loadSettings(options)
  const { listen } = config.admin
  const written = readNodeFile(config.data)?.admin
  if (written !== undefined) return { base: written, token: () => ownToken(config.data) }
  // Whoever names a folder must not be shown the node of another one.
  if (options.data !== undefined)
    throw new UnreachableError(`no node runs on ${config.data}; ${START_ONE}, or name another with --node`)
  return { base: 'socket' in listen ? formatAddress(listen) : `http://${formatAddress(listen)}`, token: named(true) }
}
