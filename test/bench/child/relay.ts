import { createHash } from 'node:crypto'
import { createWriteStream, rmSync } from 'node:fs'
import { Agent, createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** A program of its own: the relay that `rivals/relay.ts` describes. Arguments: base URL of the upstream, folder for the file. */

/** Bytes that may wait for the file or the client before upstream has to wait. */
const HIGH_WATER_MARK = 1 << 20

const [upstream = '', folder = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true })
let files = 0

const server = createServer({ highWaterMark: HIGH_WATER_MARK, noDelay: true }, (request, response) => {
  get(upstream + request.url, { agent }, (answer) => {
    const path = join(folder, String(files++))
    const file = createWriteStream(path, { highWaterMark: HIGH_WATER_MARK })
    const hashes = [createHash('sha256'), createHash('sha512')]
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.on('data', (chunk: Buffer) => {
      for (const hash of hashes) hash.update(chunk)
      const flowing = [file.write(chunk), response.write(chunk)]
      if (flowing.includes(false)) answer.pause()
    })
    const resume = () => {
      if (!file.writableNeedDrain && !response.writableNeedDrain) answer.resume()
    }
    file.on('drain', resume)
    response.on('drain', resume)
    answer.on('end', () => {
      for (const hash of hashes) hash.digest()
      file.end()
      response.end()
    })
    answer.on('error', () => response.destroy())
    // Everything it kept is in the way of the next round.
    file.on('close', () => rmSync(path, { force: true }))
  }).on('error', () => refuse(response))
})

function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(502).end()
}

process.on('disconnect', () => {
  agent.destroy()
  server.close()
  server.closeAllConnections()
})
server.listen(0, '127.0.0.1', () => process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
