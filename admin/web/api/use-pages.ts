import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ask, messageOf, query } from './client.ts'

export interface Pages<T> {
  readonly items: readonly T[]
  readonly state: 'asking' | 'more' | 'all' | 'failed'
  readonly problem: string | undefined
  /** Asks for the next page, unless one is on its way. */
  more(): void
  reload(): void
}

/** Answers without a single entry that are followed in a row: each has looked at some thousands of names. */
const MAX_EMPTY = 20

interface Held<T> {
  readonly items: readonly T[]
  readonly state: Pages<T>['state']
  readonly next?: string | null
  readonly problem?: string
}

/** A list that the node tells page by page; `pick` takes the entries out of an answer. */
export function usePages<Answer extends { next: string | null }, T>(
  path: string | null,
  pick: (answer: Answer) => readonly T[],
): Pages<T> {
  const [held, setHeld] = useState<Held<T>>({ items: [], state: 'asking' })
  const [round, setRound] = useState(0)
  const leaving = useRef(new AbortController())
  const busy = useRef(false)
  const read = useCallback(
    async (from: string | null, before: readonly T[]) => {
      if (path === null || busy.current) return
      const { signal } = leaving.current
      busy.current = true
      // What was there stays until there is something else, so that nothing jumps.
      setHeld((last) => ({ items: from === null ? last.items : before, state: 'asking' }))
      try {
        let next: string | null = from
        for (let tries = 0; tries < MAX_EMPTY; tries++) {
          const answer: Answer = await ask(
            'GET',
            `${path}${path.includes('?') ? '&' : '?'}${query({ cursor: next })}`,
            undefined,
            signal,
          )
          next = answer.next
          const found = pick(answer)
          if (found.length === 0 && next !== null) continue
          busy.current = false
          return setHeld({ items: [...before, ...found], state: next === null ? 'all' : 'more', next })
        }
        busy.current = false
        setHeld({ items: before, state: 'more', next })
      } catch (error) {
        if (signal.aborted) return
        busy.current = false
        setHeld({ items: before, state: 'failed', next: from, problem: messageOf(error) })
      }
    },
    [path],
  )
  useEffect(() => {
    leaving.current = new AbortController()
    busy.current = false
    void read(null, [])
    return () => leaving.current.abort()
  }, [read, round])
  const { items, state, next = null, problem } = held
  return {
    ...{ items, state, problem },
    more: () => void ((state === 'more' || state === 'failed') && read(next, items)),
    reload: () => setRound((one) => one + 1),
  }
}
