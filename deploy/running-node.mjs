// Whether a node runs from a checkout, where the system tells (Linux). Built-ins only.
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

/** Process id of a node that runs from the checkout in `root`: it would lose its modules under way. */
export function nodeRunningFrom(root) {
  const command = join(realpathSync(root), 'admin', 'cli', 'warren.js')
  return processes().find((pid) => {
    const args = argumentsOf(pid)
    return args.includes('up') && args.some((arg) => arg.endsWith('warren.js') && real(arg) === command)
  })
}

function processes() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function argumentsOf(pid) {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0')
  } catch {
    // It has ended meanwhile, or is nobody's business.
    return []
  }
}

function real(path) {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
