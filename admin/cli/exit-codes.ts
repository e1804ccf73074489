/** What the command ends with. */
export const EXIT = { ok: 0, failure: 1, usage: 2, unreachable: 3, interrupted: 130 } as const

export const EXIT_HELP = `
Exit codes:
  0    done
  1    it failed; the message says why
  2    wrong usage, a wrong setting or a wrong ticket
  3    no node answers
  130  broken off by Ctrl-C; a node by a second one`

/** What to do then. */
export const START_ONE = 'start one with «warren up» («npm start» in a checkout)'

/** No node answers where one was expected. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

/** What answers where a node was expected is another program, or cannot prove otherwise. */
export class StrangerError extends UnreachableError {}

/** The command line asks for something that does not exist. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
