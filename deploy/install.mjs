// Sets up a checkout before `npm start`, `npm test` and `npm run bench`: plain JavaScript for Node 20 and later, built-ins only.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, lstatSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeLock } from './checkout-lock.mjs'
import { buildPage, pageIsBuilt } from './page.mjs'
import { registryInstead } from './registry.mjs'
import { nodeRunningFrom } from './running-node.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')
/** Holds the hash of the lockfile that node_modules was made from; `npm ci` begins by deleting it with everything else. */
const STAMP = join(MODULES, '.warren-stamp')
const LOCK = join(ROOT, 'node_modules.lock')
/**
 * `exec` for the shell of Windows, which has none. `npm start` needs it elsewhere: a shell between npm and the node would die of
 * a Ctrl-C before the node has stopped, and take a SIGTERM without passing it on.
 */
const EXEC = '@%*\r\n'
/** Node that runs this script, and the one that the dependency `node` brings for everything else. */
const NEEDED = { here: 20, installed: 24 }

try {
  if (majorOf(process.version) < NEEDED.here) {
    throw new Error(
      `needs Node ${NEEDED.here} or later, but this is Node ${process.versions.node}; install a newer one and try again`,
    )
  }
  if (!isUpToDate() || !pageIsBuilt(ROOT)) await setUpAlone()
} catch (error) {
  console.error(`warren: ${error.message}`)
  process.exitCode = 1
}

async function setUpAlone() {
  const unlock = await takeLock(LOCK, {
    onWait: () => console.log('Another command is setting up this checkout; waiting for it'),
  })
  // Ctrl-C reaches npm as well: it ends, and then so do we, with the lock freed.
  const ignore = () => {}
  process.on('SIGINT', ignore).on('SIGTERM', ignore)
  try {
    // Whoever had the lock before may have done the work.
    if (!isUpToDate()) await install()
    if (!pageIsBuilt(ROOT)) console.log('Building the status page (once for each change of admin/web)')
    await buildPage(ROOT)
  } finally {
    unlock()
    process.off('SIGINT', ignore).off('SIGTERM', ignore)
  }
}

async function install() {
  refuseLink()
  refuseUnderNode()
  console.log('Setting up: npm ci, which takes a minute or so (once for each change of package-lock.json)')
  const stamp = wanted()
  const options = { cwd: ROOT, env: environment() }
  const instead = await registryInstead(options)
  if (instead) console.log(`npm is led to ${instead.led}, where nobody answers; this set-up asks ${instead.own}`)
  const asked = instead ? [`--registry=${instead.own}`] : []
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error', ...asked], {
    ...options,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  const [code, signal] = await once(npm, 'close').catch((error) => {
    throw new Error(`npm cannot be run: ${error.message}; it comes with Node, and must be in PATH`)
  })
  if (code !== 0) throw new Error(`npm ci failed (${signal ?? code}); what it says above is the reason`)
  checkNode()
  if (process.platform === 'win32') writeFileSync(join(MODULES, '.bin', 'exec.cmd'), EXEC)
  writeFileSync(STAMP, `${stamp}\n`)
}

/** `npm ci` empties what a link leads to, and that is what another checkout runs on. */
function refuseLink() {
  if (!lstatSync(MODULES, { throwIfNoEntry: false })?.isSymbolicLink()) return
  const target = existsSync(MODULES) ? realpathSync(MODULES) : 'a folder that is not there'
  throw new Error(
    `node_modules is a link to ${target}, which npm ci would empty; delete the link («rm node_modules»; that folder stays) and try again`,
  )
}

/** It loads modules when it first needs them, and may be the registry that npm is led to. */
function refuseUnderNode() {
  const pid = existsSync(MODULES) ? nodeRunningFrom(ROOT) : undefined
  if (pid === undefined) return
  throw new Error(
    `package-lock.json has changed, and npm ci would take its modules from the node that runs from this folder (process ${pid}); stop it (Ctrl-C, or «kill ${pid}») and try again`,
  )
}

function wanted() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
}

function isUpToDate() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8').trim() === wanted()
}

/** The dependency `node` brings its binary by an install script: without scripts the machine's own Node would be used unseen. */
function checkNode() {
  const { stdout } = spawnSync(join(MODULES, '.bin', 'node'), ['--version'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (majorOf(stdout ?? '') >= NEEDED.installed) return
  throw new Error(
    `Node ${NEEDED.installed} did not come with the dependencies (found ${stdout?.trim() || 'none'}), since npm ran without install scripts; allow them («npm config delete ignore-scripts») and try again`,
  )
}

function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0)
}

/** What npm should see: not the settings of the npm that runs this script, nor the Node in node_modules, which it deletes. */
function environment() {
  const dropped =
    /^npm_(config_(?!registry$|cafile$|userconfig$|globalconfig$|cache$|proxy$|https_proxy$|noproxy$|prefer_offline$|_)|lifecycle|package|command)/
  const kept = Object.entries(process.env).filter(([name]) => !dropped.test(name.toLowerCase()))
  return Object.fromEntries(kept.map(([name, value]) => [name, /^path$/i.test(name) ? withoutModules(value) : value]))
}

function withoutModules(path) {
  return path
    .split(delimiter)
    .filter((folder) => !folder.startsWith(MODULES))
    .join(delimiter)
}
