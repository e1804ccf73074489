import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of a checkout; an installed package has none there. */
const MANIFEST = fileURLToPath(new URL('../../package.json', import.meta.url))

/** Scripts of a checkout that are this command. */
const SCRIPTS: readonly (string | undefined)[] = ['warren', 'start']

/** How this command is called: by npm in a checkout, where there is none in `PATH`. */
export function calledBy(env: NodeJS.ProcessEnv): string {
  return isScriptOfCheckout(env) ? 'npm run -s warren --' : 'warren'
}

/**
 * Goes to where `npm run warren` was called: npm runs a script in the folder of its package, and a file that is named there would be
 * another one here, or none. A script of another package means files of that package.
 */
export function goToCaller(env: NodeJS.ProcessEnv): void {
  const { INIT_CWD: caller } = env
  if (!caller || !isScriptOfCheckout(env)) return
  try {
    process.chdir(caller)
  } catch {
    // What is named relative to a folder that is gone cannot be found anyway.
  }
}

function isScriptOfCheckout({ npm_package_json: manifest, npm_lifecycle_event: script }: NodeJS.ProcessEnv): boolean {
  if (!manifest || !SCRIPTS.includes(script)) return false
  try {
    return realpathSync(manifest) === realpathSync(MANIFEST)
  } catch {
    return false
  }
}
