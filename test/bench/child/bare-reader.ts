import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'

/**
 * A program of its own: fetches over `node:https`, hashes (sha256 and sha512, as a node does for npm) and writes to files. Arguments: base
 * URL of the server, folder for the files. A POST of `{ paths, at }` fetches all paths, `at` of them at a time; a GET fetches its own path and
 * hands it on while it comes.
 */

const [base = '', folder = ''] = process.argv.slice(2)
/** Bytes that may wait for the file or the client before the server has to wait. */
const HIGH_WATER_MARK = 1 << 20
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxCachedSessions: 0 })
let files = 0

const server = createServer({ highWaterMark: HIGH_WATER_MARK, noDelay: true }, (request, response) => {
  const answering = request.method === 'POST' ? fetchTold(request, response) : fetchOne(request.url ?? '', response)
  answering.catch((error: Error) => {
    if (response.headersSent) response.destroy()
    else response.writeHead(500).end(String(error.stack))
  })
})

async function fetchTold(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  const { paths, at } = JSON.parse(text) as { paths: string[]; at: number }
  let next = 0
  const worker = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await fetchOne(path)
  }
  await Promise.all(Array.from({ length: at }, worker))
  response.end('{}')
}

async function fetchOne(path: string, client?: ServerResponse): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(base + path, { agent }, resolve).on('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`${path} was answered ${answer.statusCode}`)
  client?.writeHead(200, answer.headers)
  const file = createWriteStream(join(folder, String(files++)), { highWaterMark: HIGH_WATER_MARK })
  const takers = client ? [file, client] : [file]
  const hashes = [createHash('sha256'), createHash('sha512')]
  answer.on('data', (chunk: Buffer) => {
    for (const hash of hashes) hash.update(chunk)
    for (const taker of takers) if (!taker.write(chunk)) answer.pause()
  })
  const resume = () => {
    if (!takers.some((taker) => taker.writableNeedDrain)) answer.resume()
  }
  for (const taker of takers) taker.on('drain', resume)
  answer.on('end', () => {
    for (const taker of takers) taker.end()
  })
  answer.on('error', (error) => file.destroy(error))
  await finished(file)
  for (const hash of hashes) hash.digest()
}

server.listen(0, '127.0.0.1', () => process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
process.once('disconnect', () => process.exit())
process.once('SIGTERM', () => process.exit())
