// Which registry `npm ci` may ask for this checkout. Built-ins only.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'

/** Ms after which an address of this machine counts as one where nobody answers. */
const PATIENCE = 2_000

/**
 * npm's own registry where that of the settings is at an address of this machine at which nobody answers; else undefined. So it is after
 * `warren setup npm` as long as no node runs, and the node that should answer there may be what is set up now.
 */
export async function registryInstead(options) {
  const text = registryOf([], options)
  const led = URL.canParse(text) ? new URL(text) : undefined
  if (!led || !isOfThisMachine(led) || (await answers(led))) return undefined
  // No file has these names: what is built into npm counts.
  const own = registryOf(['--userconfig=/no/npmrc', '--globalconfig=/no/global/npmrc'], withoutRegistry(options))
  return own === '' || own === led.href ? undefined : { led: led.href, own }
}

function registryOf(args, { cwd, env }) {
  const shell = process.platform === 'win32'
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry', ...args], { cwd, env, shell, encoding: 'utf8' })
  return stdout?.trim() ?? ''
}

function withoutRegistry({ cwd, env }) {
  return { cwd, env: Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_config_registry$/i.test(name))) }
}

function isOfThisMachine({ hostname }) {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}

async function answers({ hostname, port, protocol }) {
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    signal: AbortSignal.timeout(PATIENCE),
  })
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isThere
}
