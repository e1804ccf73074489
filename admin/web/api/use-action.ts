import { useState } from 'preact/hooks'
import { messageOf } from './client.ts'

export interface Action {
  readonly busy: boolean
  /** Why it failed. */
  readonly problem: string | undefined
  /** What it did, in a sentence. */
  readonly done: string | undefined
  /** Does something, one thing at a time; what it resolves with is told. */
  run(what: () => Promise<string | undefined>): Promise<void>
}

/** Something that somebody sets off by a button, with how it went. */
export function useAction(): Action {
  const [state, setState] = useState<Omit<Action, 'run'>>({ busy: false, problem: undefined, done: undefined })
  return {
    ...state,
    async run(what) {
      if (state.busy) return
      setState({ busy: true, problem: undefined, done: undefined })
      try {
        setState({ busy: false, problem: undefined, done: await what() })
      } catch (error) {
        setState({ busy: false, problem: messageOf(error), done: undefined })
      }
    },
  }
}
