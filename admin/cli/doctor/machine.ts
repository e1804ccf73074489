import { homedir } from 'node:os'
import { findProgram } from '../programs.ts'
import type { Machine } from './scene.ts'

/** The machine that this runs on, as this user sees it. */
export function thisMachine(): Machine {
  return {
    env: process.env,
    home: process.env.HOME ?? homedir(),
    folder: process.cwd(),
    root: '/',
    user: process.geteuid?.(),
    has: (program) => findProgram(program) !== undefined,
  }
}
