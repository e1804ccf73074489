import { formatAddress } from '../../node/config/address.ts'
import { TOKEN_VARIABLE } from '../../node/config/env.ts'
import { readNodeFile } from '../../node/node-file.ts'
import { readNodeToken } from '../../node/node-token.ts'
import { START_ONE, UnreachableError } from './exit-codes.ts'
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
  token(): string | undefined
}

/**
 * The node that is meant: the one that `--node` names; else the one on the data folder of the settings; else whatever listens
 * where one with these settings would. Throws UnreachableError and CONFIG_INVALID.
 */
export function nodeAt(options: NodeOptions): NodeAddress {
  // The token of a data folder is only shown to the node on it.
  const named = () => secretVariable(TOKEN_VARIABLE)?.text
  if (options.node !== undefined) return { base: options.node, token: named }
  const { config } = loadSettings(options)
  const { listen } = config.admin
  const written = readNodeFile(config.data)?.admin
  if (written !== undefined) return { base: written, token: () => readNodeToken(config.data)?.value }
  // Whoever names a folder must not be shown the node of another one.
  if (options.data !== undefined)
    throw new UnreachableError(`no node runs on ${config.data}; ${START_ONE}, or name another with --node`)
  return { base: 'socket' in listen ? formatAddress(listen) : `http://${formatAddress(listen)}`, token: named }
}
