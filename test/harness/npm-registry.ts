import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher } from 'undici'
import { run } from './child-process.ts'
import { npmCommand } from './tools.ts'

const CONFIG_TIMEOUT_MS = 20_000
/** A document of the most-published packages has some 20 MB, the largest tarballs 50. */
const MAX_ANSWER_BYTES = 512 << 20
/** Requests at once: enough to fill a line, few enough to be a polite client. */
const CONNECTIONS = 8
const TRIES = 3

export interface FetchedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Reads one setting of the npm of whoever runs the tests; undefined when it is not set. */
async function npmSetting(name: string): Promise<string | undefined> {
  const done = await run([...npmCommand(), 'config', 'get', name], {
    cwd: process.cwd(),
    env: process.env,
    timeoutMs: CONFIG_TIMEOUT_MS,
  })
  const value = done.stdout.trim()
  return done.code === 0 && value !== '' && value !== 'null' && value !== 'undefined' ? value : undefined
}

/** Fetches from the registry that this machine's npm is configured for, trusting the authorities that npm trusts. */
export class ConfiguredRegistry {
  /** With a slash at its end. */
  readonly base: string
  readonly #agent: Dispatcher

  private constructor(base: string, authorities: string | undefined) {
    this.base = base.endsWith('/') ? base : `${base}/`
    const connect = authorities === undefined ? {} : { ca: authorities }
    this.#agent = new Agent({ connections: CONNECTIONS, connect })
  }

  /** Rejects when npm tells no registry. */
  static async open(): Promise<ConfiguredRegistry> {
    const base = await npmSetting('registry')
    if (!base || !URL.canParse(base)) throw new Error(`npm config get registry gives no URL but ${base}`)
    const file = await npmSetting('cafile')
    return new ConfiguredRegistry(base, file === undefined ? undefined : readFileSync(file, 'utf8'))
  }

  /** One answer, whatever its status below 500; other trouble is tried again. */
  async fetch(url: string, accept: string, signal?: AbortSignal): Promise<FetchedAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#once(url, accept, signal)
        if (answer.status < 500 && answer.status !== 429) return answer
        throw new Error(`${new URL(url).pathname} was answered ${answer.status}`)
      } catch (error) {
        if (attempt === TRIES || signal?.aborted) throw error
      }
    }
  }

  async close(): Promise<void> {
    await this.#agent.close()
  }

  async #once(url: string, accept: string, signal?: AbortSignal): Promise<FetchedAnswer> {
    const { origin, pathname, search } = new URL(url)
    const request: Dispatcher.RequestOptions = {
      origin,
      path: pathname + search,
      method: 'GET',
      headers: { accept, 'accept-encoding': 'identity' },
      ...(signal ? { signal } : {}),
    }
    const { statusCode, headers, body } = await this.#agent.request(request)
    const parts: Buffer[] = []
    let size = 0
    for await (const part of body) {
      size += part.length
      if (size > MAX_ANSWER_BYTES) throw new RangeError(`${pathname} is longer than ${MAX_ANSWER_BYTES} bytes`)
      parts.push(part)
    }
    const kept = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
    return { status: statusCode, headers: Object.fromEntries(kept), body: Buffer.concat(parts) }
  }
}
