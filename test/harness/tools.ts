import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { TestContext } from 'vitest'

/** Programs that must be there, comma-separated: where one is listed, a missing one fails instead of being skipped. */
const REQUIRED = 'WARREN_TEST_REQUIRE'

/** Path of a program in PATH; undefined when there is none. */
export function findTool(name: string): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : ['']
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const ending of endings) {
      const candidate = join(folder, name + ending)
      if (folder && executable(candidate)) return candidate
    }
  }
  return undefined
}

/** Path of a program; skips the test, saying why, when it is not installed. */
export function requireTool(context: TestContext, name: string): string {
  const found = findTool(name)
  return found ?? missing(context, name, `${name} is not installed`)
}

/** Skips the test, saying why, or fails it when whoever runs it wants the program there. */
export function missing(context: TestContext, name: string, why: string): never {
  if ((process.env[REQUIRED] ?? '').split(',').includes(name)) throw new Error(`${why}, and ${REQUIRED} lists it`)
  return context.skip(why)
}

/** How to run npm without a shell: program and first arguments. */
export function npmCommand(): [string, ...string[]] {
  const npm = findTool('npm')
  if (!npm) throw new Error('npm is not in PATH')
  // On Windows npm.cmd is a batch file beside its scripts, elsewhere npm is a link to the script itself.
  const script = process.platform === 'win32' ? join(dirname(npm), 'node_modules/npm/bin/npm-cli.js') : realpathSync(npm)
  return script.endsWith('.js') ? [process.execPath, script] : [npm]
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
