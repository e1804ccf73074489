import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Certificate } from './certificate.ts'

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** A server on loopback that remembers what it was asked. */
export interface TestServer extends AsyncDisposable {
  readonly origin: string
  readonly port: number
  /** `METHOD path` of each request, in order. */
  readonly asked: string[]
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>
  /** Connections ever made. */
  readonly connections: () => number
  close(): Promise<void>
}

export function httpServer(handler: Handler): Promise<TestServer> {
  const asked: string[] = []
  return listen(http.createServer({ keepAliveTimeout: 60_000 }, recording(asked, handler)), 'http', asked)
}

export function httpsServer(certificate: Certificate, handler: Handler): Promise<TestServer> {
  const asked: string[] = []
  const server = https.createServer({ ...certificate, keepAliveTimeout: 60_000 }, recording(asked, handler))
  return listen(server, 'https', asked)
}

/** Speaks HTTP/2 only. */
export function http2Server(
  certificate: Certificate,
  handler: (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void,
): Promise<TestServer> {
  const asked: string[] = []
  // What slow readers leave in its queues must not make the server itself refuse further streams.
  const server = http2.createSecureServer({ ...certificate, maxSessionMemory: 1_000 }, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    handler(request, response)
  })
  return listen(server, 'https', asked)
}

/** Answers each request head on a connection with whatever the handler writes. */
export function rawServer(handler: (socket: Socket, head: string) => void): Promise<TestServer> {
  const asked: string[] = []
  const server = net.createServer((socket) => {
    let received = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const head = received.slice(0, end)
        received = received.slice(end + 4)
        asked.push(head.split(' HTTP/', 1)[0] ?? '')
        handler(socket, head)
      }
    })
  })
  return listen(server, 'http', asked)
}

/** A port of loopback that nobody listens on. */
export async function deadPort(): Promise<number> {
  const server = await httpServer(() => {})
  await server.close()
  return server.port
}

function recording(asked: string[], handler: Handler): Handler {
  return (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    handler(request, response)
  }
}

async function listen(server: net.Server, scheme: string, asked: string[]): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
    })
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    port,
    asked,
    sockets,
    connections: () => connections,
    close,
    [Symbol.asyncDispose]: close,
  }
}
