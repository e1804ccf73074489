// Builds what is published into dist/: compiled sources, the command, and a note of what they were built from.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPage } from './page.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIST = join(ROOT, 'dist')

rmSync(DIST, { recursive: true, force: true })
// The compiler says itself what is wrong; a build of code with type errors would be one that nobody tested.
const compiled = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'tsconfig.build.json')],
  {
    stdio: 'inherit',
  },
)
if (compiled.status === 0) await finish()
else {
  rmSync(DIST, { recursive: true, force: true })
  console.error('warren: nothing was built, since the sources do not compile (is everything installed? «npm ci»)')
  process.exitCode = 1
}

async function finish() {
  // The compiler copies nothing that is JavaScript already.
  const command = join(DIST, 'admin/cli/warren.js')
  mkdirSync(join(DIST, 'admin/cli'), { recursive: true })
  copyFileSync(join(ROOT, 'admin/cli/warren.js'), command)
  chmodSync(command, 0o755)
  await buildPage(ROOT)
  // Where the compiled route looks for it, as the source does; the stamp is about the checkout.
  const page = join(ROOT, 'admin/web/dist')
  cpSync(page, join(DIST, 'admin/web/dist'), { recursive: true, filter: (file) => !file.endsWith('.sources') })
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  writeFileSync(join(DIST, 'build.json'), `${JSON.stringify({ version, commit: commit() })}\n`)
}

/** What whoever builds says, such as a container build, which sees no repository; undefined in a source archive, too. */
function commit() {
  if (process.env.SOURCE_COMMIT) return process.env.SOURCE_COMMIT.slice(0, 12)
  try {
    // Not that of a repository which a source archive was unpacked in.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(ROOT.replace(/[/\\]$/, '')) }
    const options = { cwd: ROOT, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], options).trim()
  } catch {
    return undefined
  }
}
