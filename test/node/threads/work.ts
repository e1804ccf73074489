import { WarrenError } from '../../../node/errors.ts'
import { serveJobs } from '../../../node/threads/serve-jobs.ts'

/** What a job of the tests does in its thread. */
export type Order =
  | { readonly say: string }
  | { readonly fail: string }
  | { readonly refuse: string }
  | { readonly wait: Int32Array }
  | 'never end'
  | 'exit'
  | 'fill memory'

async function work(order: Order): Promise<string> {
  if (order === 'exit') process.exit(7)
  if (order === 'never end') for (;;);
  if (order === 'fill memory') {
    const all: object[] = []
    for (;;) all.push(Array.from({ length: 1_000 }, (_, at) => ({ at })))
  }
  if ('fail' in order) throw new Error(order.fail)
  if ('refuse' in order) throw new WarrenError('UPSTREAM_ABSENT', order.refuse)
  if ('say' in order) return order.say
  Atomics.wait(order.wait, 0, 0)
  return 'waited'
}

serveJobs(async (order: Order) => ({ result: await work(order) }))
