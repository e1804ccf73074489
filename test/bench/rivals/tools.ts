import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'

/** Outside the checkout and kept from run to run: it is a tool, not a result. */
const TOOLS = join(tmpdir(), 'warren-bench-rivals')

/**
 * Folder in which a rival is installed, which is done once; the reason where that cannot be.
 *
 * @param name with its version: another one is another folder
 * @param install fills an empty folder, or tells why it could not; what it made has to work elsewhere, too
 */
export async function installOnce(
  bench: Bench,
  name: string,
  install: (folder: string) => Promise<string | undefined>,
): Promise<{ readonly home: string } | { readonly why: string }> {
  const home = join(TOOLS, name)
  if (existsSync(home)) return { home }
  if (bench.smoke) return { why: `${name} is not installed, and a smoke run installs nothing (run it once without --smoke)` }
  bench.say(`installing ${name} into ${home}`)
  const making = `${home}.${process.pid}`
  mkdirSync(making, { recursive: true })
  try {
    const why = await install(making)
    if (why !== undefined) return { why }
    renameSync(making, home)
    return { home }
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** The last line of what a program said. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
