import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import { type Answer, answer } from './answer.ts'
import { blobAnswer } from './hub-answers.ts'
import type { HubContent } from './hub-content.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

/** The object storage to which a scripted registry sends for blobs, with URLs that are signed for GET and for a while. */
export class HubCdn extends UpstreamServer {
  /** For how long a URL is good, in seconds. */
  signedForSeconds = 1200
  readonly #content: HubContent
  readonly #secret = randomBytes(16)

  constructor(content: HubContent, clock: Clock) {
    super(clock)
    this.#content = content
  }

  /** Where the blob is to be had until the signature ends. */
  sign(digest: string): string {
    const expires = Math.floor(this.clock.now() / 1000) + this.signedForSeconds
    return `${this.origin}/blobs/${digest}/data?expires=${expires}&signature=${this.#signature(digest, expires)}`
  }

  protected kindOf(_path: string, method: string): string {
    return `${method} blob`
  }

  protected find({ method, target, headers }: LoggedRequest): Answer {
    const url = new URL(target, this.origin)
    const digest = decodeURIComponent(/^\/blobs\/([^/]+)\/data$/.exec(url.pathname)?.[1] ?? '')
    const expires = Number(url.searchParams.get('expires'))
    // A request with two ways to prove who asks is refused, as S3 does.
    if (headers.authorization !== undefined) return refusal(400, 'Only one auth mechanism is allowed')
    if (method !== 'GET') return refusal(403, 'The signature is for another method')
    if (url.searchParams.get('signature') !== this.#signature(digest, expires)) return refusal(403, 'The signature is wrong')
    if (expires * 1000 <= this.clock.now()) return refusal(403, 'Request has expired')
    const blob = this.#content.blob(digest)
    return blob ? blobAnswer(blob) : refusal(404, 'The key does not exist')
  }

  #signature(digest: string, expires: number): string {
    return createHmac('sha256', this.#secret).update(`GET ${digest} ${expires}`).digest('hex')
  }
}

function refusal(status: number, message: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Message>${message}</Message></Error>`
  return answer(status, body, { 'content-type': 'application/xml' })
}
