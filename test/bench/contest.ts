import type { Bench, Row } from './bench.ts'
import { WRK_MISSING, Wrk } from './load.ts'
import { NGINX_MISSING, Nginx } from './rivals/nginx.ts'

/** What a row has that measures one rival under load. What is started goes on the stack. */
export interface Contest<Rival> {
  readonly bench: Bench
  readonly stack: AsyncDisposableStack
  readonly wrk: Wrk
  readonly rival: Rival
}

/** Gives a rival, or why there is none. */
type Find<Rival> = (bench: Bench, stack: AsyncDisposableStack) => Rival | string | Promise<Rival | string>

/** A row that measures one rival under load. It is left out, and says why, where the rival or wrk is missing. */
export function contestRow<Rival extends object>(
  name: string,
  find: Find<Rival>,
  measure: (contest: Contest<Rival>) => Promise<void>,
): Row {
  const run = async (bench: Bench) => {
    await using stack = new AsyncDisposableStack()
    const wrk = Wrk.find(stack)
    const rival = wrk ? await find(bench, stack) : WRK_MISSING
    if (wrk && typeof rival !== 'string') await measure({ bench, stack, wrk, rival })
    else bench.skip({ row: name, what: 'all of it', why: `${rival}` })
  }
  return { name, run }
}

/** One against a server that has nothing but files. */
export function nginxRow(name: string, measure: (contest: Contest<Nginx>) => Promise<void>): Row {
  return contestRow(name, (_bench, stack) => Nginx.find(stack) ?? NGINX_MISSING, measure)
}
