import { parentPort, type Transferable } from 'node:worker_threads'
import { isWarrenError, reasonOf } from '../errors.ts'
import type { FromWorker, ToWorker } from './job-threads.ts'

/** What the thread of a `JobThreads` does. `moved` are buffers of the result that go over without being copied. */
export function serveJobs<Order, Result>(
  work: (order: Order) => Promise<{ readonly result: Result; readonly moved?: readonly Transferable[] }>,
): void {
  const port = parentPort
  if (!port) throw new Error('this module runs as a worker thread only')
  const send = (message: FromWorker<Result>, moved: readonly Transferable[] = []) => port.postMessage(message, moved)
  const answer = async ({ id, order }: ToWorker<Order>) => {
    try {
      const { result, moved } = await work(order)
      send({ id, result }, moved)
    } catch (error) {
      send({ id, error: reasonOf(error), ...(isWarrenError(error) ? { code: error.code } : {}) })
    }
  }
  port.on('message', (message: ToWorker<Order>) => void answer(message))
  send({ ready: true })
}

/** What a module exports under a name. */
export async function exported(module: string, name: string): Promise<unknown> {
  return ((await import(module)) as Record<string, unknown>)[name]
}
