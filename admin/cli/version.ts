import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../../node/version.ts'

/** Ms after which git counts as missing: nobody waits for a version. */
const PATIENCE = 2_000

/** Version, and the commit that a build was made of, or that a checkout is at. */
export function versionText(): string {
  const commit = builtCommit() ?? checkedOutCommit()
  return commit ? `${VERSION} (${commit})` : VERSION
}

/** Written by `deploy/build.mjs`, empty where it knew of none; undefined in a checkout. */
function builtCommit(): string | undefined {
  try {
    const { commit } = JSON.parse(readFileSync(new URL('../../build.json', import.meta.url), 'utf8')) as { commit?: string }
    return commit ?? ''
  } catch {
    return undefined
  }
}

/** Undefined without git, and in a source archive, whatever repository that lies in. */
function checkedOutCommit(): string | undefined {
  const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '')
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: root,
      env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(root) },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PATIENCE,
    }).trim()
  } catch {
    return undefined
  }
}
