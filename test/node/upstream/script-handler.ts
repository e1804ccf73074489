import type { IncomingMessage } from 'node:http'
import type { MemoryAnswer, MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import type { Handler } from './servers.ts'

/** Plays the script of a `MemoryUpstream` over HTTP. */
export function scriptHandler(script: MemoryScript): Handler {
  return async (request, response) => {
    const answer = await script(await requestOf(request), new AbortController().signal)
    const bytes = Buffer.from(answer.body ?? '')
    const length = answer.chunked || answer.status === 204 ? {} : { 'content-length': String(bytes.length) }
    response.writeHead(answer.status ?? 200, { ...length, ...answer.headers })
    if (request.method === 'HEAD' || !breaks(answer)) return response.end(bytes)
    response.flushHeaders()
    const stop = answer.cutAt ?? answer.stallAt ?? 0
    response.write(bytes.subarray(0, stop), () => {
      if (answer.cutAt !== undefined) response.destroy()
    })
  }
}

function breaks({ cutAt, stallAt }: MemoryAnswer): boolean {
  return cutAt !== undefined || stallAt !== undefined
}

async function requestOf(request: IncomingMessage): Promise<UpstreamRequest> {
  const headers = request.headers as Record<string, string>
  const start = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]
  const ifRange = headers['if-range']
  return {
    method: request.method as UpstreamRequest['method'],
    url: `http://${headers.host}${request.url}`,
    base: `http://${headers.host}`,
    headers,
    body: Buffer.concat(await Array.fromAsync(request)),
    ...(start === undefined ? {} : { range: { start: Number(start), ...(ifRange === undefined ? {} : { ifRange }) } }),
  }
}
