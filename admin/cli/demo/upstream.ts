import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { type Dispatcher, EnvHttpProxyAgent, fetch } from 'undici'
import { reasonOf } from '../../../node/errors.ts'

/** Ms for one answer of a registry. */
const PATIENCE = 30_000

export interface UpstreamAnswer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** The registry that the demo installs from, asked past all nodes: through the proxies that the environment names. */
export class Upstream {
  /** With a slash at its end. */
  readonly base: string
  /** File with the certificate authorities to trust besides the usual ones. */
  readonly ca: string | undefined
  readonly #dispatcher: Dispatcher

  /** Throws when the file cannot be read. */
  constructor(base: string, ca?: string) {
    this.base = base.endsWith('/') ? base : `${base}/`
    this.ca = ca
    const trust = ca === undefined ? {} : { ca: [...getCACertificates('default'), readFileSync(ca, 'utf8')] }
    this.#dispatcher = new EnvHttpProxyAgent({ connect: trust, requestTls: trust, proxyTls: trust })
  }

  /** What is at a path of its host. Rejects when nothing comes. */
  async get(path: string, accept: string): Promise<UpstreamAnswer> {
    const signal = AbortSignal.timeout(PATIENCE)
    const options = { headers: { accept }, dispatcher: this.#dispatcher, signal }
    const answer = await fetch(new URL(this.base).origin + path, options)
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() }
  }

  /** Rejects with a sentence for people when the package cannot be installed from it. */
  async probe(name: string): Promise<void> {
    const { pathname } = new URL(this.base)
    const { status } = await this.get(pathname + name.replace('/', '%2f'), 'application/json').catch((error: Error) => {
      throw new Error(
        `the registry ${this.base} does not answer: ${reasonOf(error.cause ?? error)}; «npm config set registry» names another`,
      )
    })
    if (status === 404) throw new Error(`the registry ${this.base} has no package ${name}; name another with --package`)
    if (status !== 200)
      throw new Error(
        `the registry ${this.base} answers ${status} to a request for ${name}; «npm config set registry» names another`,
      )
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy()
  }
}
