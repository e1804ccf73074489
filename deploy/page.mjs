// Builds the status page (admin/web) where its sources have changed: plain JavaScript for Node 20 and later, built-ins only.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeLock } from './checkout-lock.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** One build at a time is for the caller to see to. Throws where there can be none; what the bundler says is above that then. */
export async function buildPage(root = ROOT) {
  if (pageIsBuilt(root)) return
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const built = spawn(
    join(root, 'node_modules/.bin/node'),
    [vite, 'build', '--logLevel', 'warn', '--emptyOutDir', join(root, 'admin/web')],
    { stdio: 'inherit', shell: process.platform === 'win32' },
  )
  const [code] = await once(built, 'close')
  if (code !== 0) throw new Error('the status page could not be built')
  writeFileSync(stampIn(root), `${wanted(root)}\n`)
}

/** Whether what is in admin/web/dist was made from the sources beside it; a checkout without sources needs none. */
export function pageIsBuilt(root = ROOT) {
  if (!existsSync(join(root, 'admin/web/index.html'))) return true
  return existsSync(stampIn(root)) && readFileSync(stampIn(root), 'utf8').trim() === wanted(root)
}

/** Holds the hash of the sources; a build begins by deleting it with everything else. */
function stampIn(root) {
  return join(root, 'admin/web/dist/.sources')
}

/** The lockfile says which bundler and which library. */
function wanted(root) {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', ...sourcesIn(root)])
    hash
      .update(`${file}\n`)
      .update(readFileSync(join(root, file)))
      .update('\n')
  return hash.digest('hex')
}

function sourcesIn(root) {
  const files = readdirSync(join(root, 'admin/web'), { recursive: true, withFileTypes: true })
  return files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length))
    .filter((file) => !file.replaceAll('\\', '/').startsWith('admin/web/dist/'))
    .sort()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const unlock = await takeLock(join(ROOT, 'node_modules.lock'), { onWait: () => {} })
  await buildPage().finally(unlock)
}
