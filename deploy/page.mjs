// Builds the status page (admin/web) where its sources have changed: plain JavaScript for Node 20 and later, built-ins only.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Throws where it cannot be built; what the bundler says is above that then. */
export function buildPage(root = ROOT) {
  if (pageIsBuilt(root)) return
  const built = spawnSync(
    join(root, 'node_modules/.bin/node'),
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn', join(root, 'admin/web')],
    { stdio: 'inherit', shell: process.platform === 'win32' },
  )
  if (built.status !== 0) throw new Error('the status page could not be built')
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

if (process.argv[1] === fileURLToPath(import.meta.url)) buildPage()
