import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { writeNodeFile } from '../../../node/node-file.ts'
import { proofOf } from '../../../node/node-proof.ts'
import { loadNodeToken } from '../../../node/node-token.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startFakeNode } from '../fake-node.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()

interface Impostor {
  readonly url: string
  /** Paths and headers of all that it was asked. */
  readonly heard: string[]
}

/** Another program where a node is expected. */
async function impostor(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Impostor> {
  const heard: string[] = []
  const server = createServer((incoming, response) => {
    heard.push(`${incoming.url} ${incoming.rawHeaders.join(' ')}`)
    answer(incoming, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}

/** A node that was killed on `data` and left its file: its number is another process's by now, and its address `admin`. */
function outlived(data: string, admin: string): string {
  writeNodeFile(data, { pid: process.pid, listen: [admin], admin })
  return loadNodeToken(data).value
}

const NOT_SHOWN = /does not prove to be the node that is meant, so that it is not shown the token/

test('who has taken the address of a node, and its process number, is not shown its token', async () => {
  const data = folders.create('data')
  const other = await impostor((_request, response) => void response.end('{"proof":"x"}'))
  const token = outlived(data, other.url)
  const { code, stdout, stderr } = await runWarren(['status', '--data', data], { home: folders.create() })
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toMatch(NOT_SHOWN)
  const shown = await runWarren(['setup', 'npm', '--data', data], { home: folders.create() })
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('No node runs now')])
  expect(shown.stderr).toMatch(NOT_SHOWN)
  expect(other.heard).toHaveLength(2)
  expect(other.heard.join()).not.toContain(token)
})

test('a proof that was fetched from the node itself, at another address, is none', async () => {
  const data = folders.create('data')
  const node = await startFakeNode(data)
  const relay = await impostor(({ url }, response) => {
    request(node.admin + url, (answer) => answer.pipe(response)).end()
  })
  const token = outlived(data, relay.url)
  expect((await runWarren(['status', '--data', data], { home: folders.create() })).stderr).toMatch(NOT_SHOWN)
  expect(relay.heard.map((one) => one.split(' ')[0])).toEqual([expect.stringMatching(/^\/admin\/v1\/proof\?nonce=[\w-]{43}$/)])
  expect(relay.heard.join()).not.toContain(token)
})

test('where there is no data folder to read, a token that is named is shown to the node alone', async () => {
  const home = folders.create('home')
  const other = await impostor((_request, response) => void response.writeHead(404).end())
  const env = { WARREN_ADMIN_LISTEN: other.url.slice('http://'.length), WARREN_TOKEN: 'A'.repeat(43) }
  const { code, stderr } = await runWarren(['status'], { home, env })
  expect(code).toBe(3)
  expect(stderr).toMatch(NOT_SHOWN)
  expect(other.heard.join()).not.toContain(env.WARREN_TOKEN)
})

test('nothing follows a proof on another connection, which another program may answer', async () => {
  const data = folders.create('data')
  const { value } = loadNodeToken(data)
  const closing: Impostor = await impostor(({ url = '' }, response) => {
    const nonce = new URLSearchParams(url.split('?')[1]).get('nonce') ?? ''
    const proof = proofOf(value, { nonce, listener: closing.url })
    response.setHeader('connection', 'close').end(JSON.stringify({ proof }))
  })
  outlived(data, closing.url)
  const { code, stderr } = await runWarren(['status', '--data', data], { home: folders.create() })
  expect([code, stderr]).toEqual([3, expect.stringContaining('it closed the connection')])
  expect(closing.heard).toHaveLength(1)
})

test('a node is found by its proof where its process number means nothing, as in another container', async () => {
  const data = folders.create('data')
  const node = await startFakeNode(data)
  // Above all numbers that Linux gives (PID_MAX_LIMIT).
  writeNodeFile(data, { pid: 2 ** 22 + 1, listen: [node.admin], admin: node.admin })
  const { code, stdout } = await runWarren(['status', '--data', data, '--json'], { home: folders.create() })
  expect(code).toBe(0)
  expect(JSON.parse(stdout).node.data).toBe(data)
})
