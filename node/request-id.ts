import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

/** By what a request says, and is told, under which name it is in logs. Members pass it on to each other; upstreams never hear of it. */
export const REQUEST_ID = 'x-request-id'

/** Whatever else somebody sends is no name: it would stand in the logs of several nodes. */
const PLAIN = /^[\w.-]{1,64}$/

/** Tells the requests of this start from those of others. */
const start = randomBytes(4).toString('hex')
let made = 0

const given = new WeakMap<Request, string>()
const current = new AsyncLocalStorage<string>()

interface Request {
  readonly headers: Readonly<Record<string, unknown>>
}

/** Its own, if that is short and plain, else one that is made now; the same each time. */
export function requestIdOf(request: Request): string {
  const known = given.get(request)
  if (known !== undefined) return known
  const told = request.headers[REQUEST_ID]
  const id = typeof told === 'string' && PLAIN.test(told) ? told : `${start}-${(made++).toString(36)}`
  given.set(request, id)
  return id
}

/** Runs what is done for a request: all that it logs, then and later, has its name. What others join bears that of the first. */
export function inRequest<R>(id: string, work: () => R): R {
  return current.run(id, work)
}

/** Undefined for what is done for no request. */
export function currentRequestId(): string | undefined {
  return current.getStore()
}
