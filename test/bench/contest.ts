import type { Bench } from './bench.ts'
import { WRK_MISSING, Wrk } from './load.ts'

interface Contest<Rival> {
  readonly wrk: Wrk
  readonly rival: Rival
}

/**
 * What a row needs that measures one rival under load. Undefined where one of both is missing; the row is then told to be left out.
 * @param find the rival, or why there is none; not called where wrk is missing already
 */
export async function contest<Rival extends object>(
  bench: Bench,
  row: string,
  stack: AsyncDisposableStack,
  find: () => Rival | string | Promise<Rival | string>,
): Promise<Contest<Rival> | undefined> {
  const wrk = Wrk.find(stack)
  const rival = wrk ? await find() : WRK_MISSING
  if (wrk && typeof rival !== 'string') return { wrk, rival }
  bench.skip({ row, what: 'all of it', why: `${rival}` })
  return undefined
}
