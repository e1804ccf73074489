import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { findProgram } from '../programs.ts'
import type { Machine } from './scene.ts'

/** The machine that this runs on, as this user sees it. */
export function thisMachine(): Machine {
  const home = process.env.HOME ?? homedir()
  return {
    env: process.env,
    // A relative one would be another place in each folder.
    home: isAbsolute(home) ? home : undefined,
    folder: process.cwd(),
    root: '/',
    user: process.geteuid?.(),
    has: (program) => findProgram(program) !== undefined,
  }
}
