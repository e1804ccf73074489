import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { TLSSocket } from 'node:tls'
import type { TestContext } from 'vitest'
import { requireTool } from './tools.ts'

/**
 * The world outside, as programs see it that are told of a proxy: whatever host they ask by TLS, a server of this machine answers. So
 * it shows what went past a node, and what a client does by itself where it finds none.
 */
export class WideWorld implements AsyncDisposable {
  /** Hosts that were asked, in the order of their first connection. */
  readonly asked: string[] = []
  /** What a program is told of it. */
  readonly env: Readonly<Record<string, string>>
  readonly #sockets = new Set<Socket>()
  readonly #server: ReturnType<typeof createServer>

  private constructor(server: ReturnType<typeof createServer>, certificate: string) {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.env = { HTTP_PROXY: url, HTTPS_PROXY: url, SSL_CERT_FILE: certificate }
    this.#server = server
  }

  /**
   * @param hosts those that it has a certificate for
   * @param origin of the server that answers, which speaks plain HTTP
   * @param folder an empty one that belongs to it
   */
  static async open(context: TestContext, hosts: readonly string[], origin: string, folder: string): Promise<WideWorld> {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const names = hosts.map((host) => `DNS:${host}`).join(',')
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=world']
    const args = ['req', ...kind, '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert]
    execFileSync(requireTool(context, 'openssl'), args, { stdio: 'pipe' })
    const tls = { isServer: true, key: readFileSync(key), cert: readFileSync(cert) }
    const server = createServer((_request, response) => response.writeHead(502).end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const world = new WideWorld(server, cert)
    const { hostname, port } = new URL(origin)
    server.on('connect', ({ url = '' }, client: Socket) => {
      const host = url.replace(/:443$/, '')
      if (!world.asked.includes(host)) world.asked.push(host)
      const registry = connect(Number(port), hostname)
      for (const socket of [client, registry]) world.#keep(socket)
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      const plain = new TLSSocket(client, tls)
      // Clients leave as they like.
      for (const [from, to] of [
        [plain, registry],
        [registry, plain],
      ] as const)
        pipeline(from, to).catch(() => {})
    })
    return world
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
