/** `ok`: it is as it should be. `note`: somebody should know. `wrong`: somebody has to do something. */
export type Level = 'ok' | 'note' | 'wrong'

/** What a check saw. */
export interface Finding {
  readonly level: Level
  readonly what: string
  /** What to do. */
  readonly action?: string
}

export function ok(what: string): Finding {
  return { level: 'ok', what }
}

export function note(what: string, action?: string): Finding {
  return { level: 'note', what, ...(action === undefined ? {} : { action }) }
}

export function wrong(what: string, action: string): Finding {
  return { level: 'wrong', what, action }
}
