import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/** Path of a program in PATH; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : ['']
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const ending of endings) {
      const candidate = join(folder, name + ending)
      if (folder && isExecutable(candidate)) return candidate
    }
  }
  return undefined
}

/** How to run npm without a shell: program and first arguments; undefined when it is not in PATH. */
export function npmCommand(): [string, ...string[]] | undefined {
  const npm = findProgram('npm')
  if (!npm) return undefined
  // On Windows npm.cmd is a batch file beside its scripts, elsewhere npm is a link to the script itself.
  const script = process.platform === 'win32' ? join(dirname(npm), 'node_modules/npm/bin/npm-cli.js') : realpathSync(npm)
  return script.endsWith('.js') ? [process.execPath, script] : [npm]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
