import { homedir, userInfo } from 'node:os'
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
    accountHome: accountHome(),
    folder: process.cwd(),
    root: '/',
    user: process.geteuid?.(),
    has: (program) => findProgram(program) !== undefined,
  }
}

/** Undefined for a user id that no account has, as containers may be given. */
function accountHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}
