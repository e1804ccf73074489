import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { Agent, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'

/**
 * A program of its own: fetches what it is told to over `node:https`, hashes it (sha256 and sha512, as a node does for npm) and
 * writes it to files. Arguments: folder for the files. A POST of `{ base, paths, at }` fetches all paths, `at` of them at a time.
 */

const [folder = ''] = process.argv.slice(2)
const HIGH_WATER_MARK = 1 << 20
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxCachedSessions: 0 })
let files = 0

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  request.on('end', () => {
    const { base, paths, at } = JSON.parse(text) as { base: string; paths: string[]; at: number }
    fetchAll(base, paths, at).then(
      () => response.end('{}'),
      (error: Error) => response.writeHead(500).end(String(error.stack)),
    )
  })
})

async function fetchAll(base: string, paths: readonly string[], at: number): Promise<void> {
  let next = 0
  const worker = async () => {
    for (;;) {
      const path = paths[next++]
      if (path === undefined) return
      await fetchOne(base + path)
    }
  }
  await Promise.all(Array.from({ length: at }, worker))
}

async function fetchOne(url: string): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent }, resolve).on('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`${url} was answered ${answer.statusCode}`)
  const file = createWriteStream(join(folder, String(files++)), { highWaterMark: HIGH_WATER_MARK })
  const hashes = [createHash('sha256'), createHash('sha512')]
  answer.on('data', (chunk: Buffer) => {
    for (const hash of hashes) hash.update(chunk)
    if (!file.write(chunk)) answer.pause()
  })
  file.on('drain', () => answer.resume())
  answer.on('end', () => file.end()).on('error', (error) => file.destroy(error))
  await finished(file)
  for (const hash of hashes) hash.digest()
}

server.listen(0, '127.0.0.1', () => process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
process.once('disconnect', () => process.exit())
process.once('SIGTERM', () => process.exit())
