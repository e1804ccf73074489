import { useEffect, useState } from 'preact/hooks'
import { ask, messageOf } from './client.ts'

export interface Answered<T> {
  /** The last good answer. */
  readonly value: T | undefined
  /** When it came, in ms since the epoch. */
  readonly at: number
  /** Why the last question had none. */
  readonly problem: string | undefined
  /** Asks again now. */
  reload(): void
}

interface Told<T> {
  readonly path: string | null
  readonly as: unknown
  readonly at: number
  readonly value?: T | undefined
  readonly problem?: string | undefined
}

/**
 * What the node answers at a path, asked again every so many ms while somebody looks; a path of null asks nothing.
 *
 * @param as on whose behalf: what somebody else was told is not shown
 */
export function useAnswer<T>(path: string | null, every?: number, as?: unknown): Answered<T> {
  const [told, setTold] = useState<Told<T>>({ path, as, at: 0 })
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (path === null) return
    const leaving = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async () => {
      try {
        if (!document.hidden || every === undefined) {
          const value = await ask<T>('GET', path, undefined, leaving.signal)
          setTold({ path, as, at: Date.now(), value })
        }
      } catch (error) {
        if (leaving.signal.aborted) return
        setTold((before) => ({
          ...(before.path === path && before.as === as ? before : { path, as, at: 0 }),
          problem: messageOf(error),
        }))
      }
      if (every !== undefined && !leaving.signal.aborted) timer = setTimeout(look, every)
    }
    void look()
    return () => {
      leaving.abort()
      clearTimeout(timer)
    }
  }, [path, every, as, round])
  const fits = told.path === path && told.as === as
  return {
    value: fits ? told.value : undefined,
    at: told.at,
    problem: fits ? told.problem : undefined,
    reload: () => setRound((one) => one + 1),
  }
}
