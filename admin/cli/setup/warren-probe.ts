import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** Ms that whoever is asked gets. */
const LIMIT = 2_000
/** Bytes of an answer that are looked at: those of a node are shorter. */
const MAX_BYTES = 64

/** What answers at a URL. */
type Answerer = 'warren' | 'another' | 'nobody'

/** Asks whether a Warren node answers at the origin of a URL, by what each of them says of itself to anybody. Never rejects. */
export async function answererAt(url: URL): Promise<Answerer> {
  const [health, ready] = await Promise.all(['/healthz', '/readyz'].map((path) => firstBytes(new URL(path, url))))
  if (health === undefined) return 'nobody'
  return health === 'up\n' && (ready === 'ready\n' || ready === 'draining\n') ? 'warren' : 'another'
}

/** Empty of what is no text of a node; undefined where nobody answers. */
function firstBytes({ origin, pathname }: URL): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Without the login that the URL may have: nobody asked for that to be sent.
    const url = new URL(pathname, origin)
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const request = send(url, { agent: false, signal: AbortSignal.timeout(LIMIT), headers: { accept: 'text/plain' } })
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > MAX_BYTES) request.destroy()
      })
      response.on('close', () => resolve(text.length > MAX_BYTES ? '' : text))
    })
    request.on('error', (error: NodeJS.ErrnoException) =>
      resolve(/^(?:CERT|DEPTH|SELF|UNABLE|ERR_TLS)/.test(error.code ?? '') ? '' : undefined),
    )
    request.end()
  })
}
