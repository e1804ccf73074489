import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { joinFromEnvironment } from '../../../admin/cli/joining.ts'
import { loadSettings } from '../../../admin/cli/settings.ts'
import { readAll } from '../../../node/body.ts'
import { buildComponents } from '../../../node/components.ts'
import { urlOf } from '../../../node/listener-url.ts'
import { writeNodeFile } from '../../../node/node-file.ts'

/**
 * A program of its own, in place of the command line (`warren up`): the same node without what watches its files, which can also be told to fetch what no client asked it
 * for. A POST of `{ paths, at }`, to the URL in `<data>/fetching.url`, gets all paths of its mirrors, `at` of them at a time, and is
 * answered how many came from where once all of them are stored.
 */

/** As `admin/cli/warren.js` has them, which V8 takes at its start only. */
const SIZES = ['--max-semi-space-size=8', '--heap-growing-percent=50']
const STORED_POLL_MS = 5
/** A slow disk takes its time to make a gigabyte durable. */
const STORED_LIMIT_MS = 120_000

if (!process.execArgv.includes('--heap-growing-percent=50')) {
  process.execve?.(process.execPath, [process.argv0, ...SIZES, ...process.argv.slice(1)], process.env)
  throw new Error('this system cannot begin a process anew with sizes of its heap')
}

const string = { type: 'string', default: '' } as const
const {
  data,
  listen,
  config: file,
} = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { data: string, listen: string, config: string },
}).values
const { config } = loadSettings({ data, listen: [listen], config: file })
joinFromEnvironment(config.data)
const { door, finder, mesh, permanence, server, disposer } = await buildComponents(config)
permanence?.start()
await mesh.start()
const listening = await server.start()

async function fetchAll(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  const { paths, at } = JSON.parse(text) as { paths: string[]; at: number }
  const { signal } = new AbortController()
  const sources: Record<string, number> = {}
  let next = 0
  const worker = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      const [plan] = door.plansOf(path)
      if (!plan) throw new Error(`${path} is in none of the mirrors`)
      const { source, body } = await finder.get(plan, { signal })
      await readAll(body).finally(() => body.close())
      sources[source] = (sources[source] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: at }, worker))
  const wanted = paths.flatMap((path) => door.plansOf(path))
  const end = performance.now() + STORED_LIMIT_MS
  for (let missing = wanted; missing.length > 0; missing = missing.filter((plan) => !finder.holds(plan))) {
    if (performance.now() > end) throw new Error(`${missing.length} are not stored, such as ${missing[0]?.url}`)
    await setTimeout(STORED_POLL_MS)
  }
  response.end(JSON.stringify(sources))
}

const told = createServer((request, response) => {
  fetchAll(request, response).catch((error: Error) => response.writeHead(500).end(String(error.stack)))
}).listen(0, '127.0.0.1', () => {
  writeFileSync(join(config.data, 'fetching.url'), `http://127.0.0.1:${(told.address() as AddressInfo).port}`)
  writeNodeFile(config.data, {
    pid: process.pid,
    listen: listening.listen.map(urlOf),
    admin: urlOf(listening.admin),
  })
})

process.once('SIGTERM', () => {
  told.close()
  told.closeAllConnections()
  void disposer.disposeAsync()
})
