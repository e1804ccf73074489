import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { type Answer, answer } from './answer.ts'
import { CountingServer } from './counting-server.ts'
import { present } from './present.ts'
import type { LoggedRequest } from './tally.ts'

/** Longest request body that a script gets to see, in bytes. */
const MAX_REQUEST_BODY = 16 << 20

interface ScriptedRequest {
  readonly method: string
  readonly target: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What to do with one request: an answer, or a function of the request that gives one. */
export type Step = Answer | ((request: ScriptedRequest) => Answer | Promise<Answer>)

interface Script {
  readonly matches: (path: string) => boolean
  readonly steps: readonly Step[]
  taken: number
}

/**
 * An upstream that does what a test wrote down. Each request to a path takes the next step of its script; the last step
 * stays. `upstream.on('/a.tgz', spoil(serve(bytes), cutAfter(5000)), serve(bytes))` cuts once and is well afterwards.
 */
export class ScriptedUpstream extends CountingServer {
  #scripts: Script[] = []

  /** Writes the script of a canonical path, or of all that a RegExp matches. A newer script for the same path wins. */
  on(path: string | RegExp, ...steps: [Step, ...Step[]]): this {
    const matches = typeof path === 'string' ? (asked: string) => asked === path : (asked: string) => path.test(asked)
    this.#scripts.unshift({ matches, steps, taken: 0 })
    return this
  }

  /** Requests to a path so far. */
  count(path: string): number {
    return this.tally.path(path).requests
  }

  protected kindOf(_path: string, method: string): string {
    return method
  }

  protected async prepare(logged: LoggedRequest, request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    const { method, target, path } = logged
    // The step is taken at once: two requests in flight must not both get the first one.
    const step = this.#next(path)
    const body = await readRequest(request, signal)
    const planned = typeof step === 'function' ? await step({ method, target, path, headers: request.headers, body }) : step
    return present(planned, method, request.headers)
  }

  #next(path: string): Step {
    const script = this.#scripts.find((candidate) => candidate.matches(path))
    const step = script?.steps[Math.min(script.taken, script.steps.length - 1)]
    if (script) script.taken++
    return step ?? answer(404, 'no script for this path')
  }
}

async function readRequest(request: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size <= MAX_REQUEST_BODY) parts.push(part)
  }
  signal.throwIfAborted()
  return Buffer.concat(parts)
}
