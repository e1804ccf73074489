import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseMeshAddress } from '../../../../node/member-address.ts'
import { ADMISSION_LIMIT } from '../../../../node/mesh/gate.ts'
import { CONNECTION_LIMITS } from '../../../../node/mesh/host/limits.ts'
import { cleanEnv } from '../../../harness/child-process.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { plainNode } from '../../../harness/plain-node.ts'
import { firstOf } from '../../../harness/wait.ts'

useLeakCheck()

const child = fileURLToPath(new URL('../../../harness/child/many-nodes.ts', import.meta.url))

test('twenty-five nodes of one machine that dial one node at once all connect', async () => {
  const node = await plainNode('/ip4/127.0.0.1/tcp/0')
  const many = spawn(process.execPath, [child, '25', String(node.getMultiaddrs()[0])], { env: cleanEnv() })
  const ended = firstOf(many, 'close')
  try {
    const lines = createInterface(many.stdout)[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('ready')
    many.stdin.write('go\n')
    const { value } = await lines.next()
    expect(JSON.parse(String(value))).toEqual({ connected: 25, failures: [], uncaught: 0 })
    await ended
  } finally {
    many.kill('SIGKILL')
    await ended
    await node.stop()
  }
})

test('one host that opens connections and says nothing cannot take all places, and loses those that it has in the end', async () => {
  const { inboundConnectionThreshold = 0, maxIncomingPendingConnections = 0, inboundUpgradeTimeout = 0 } = CONNECTION_LIMITS
  expect(inboundUpgradeTimeout).toBe(ADMISSION_LIMIT)
  const most = inboundConnectionThreshold * (Math.ceil(inboundUpgradeTimeout / 1_000) + 1)
  expect(most).toBeLessThan(maxIncomingPendingConnections)

  const node = await plainNode('/ip4/127.0.0.1/tcp/0')
  const { port = 0 } = parseMeshAddress(String(node.getMultiaddrs()[0])) ?? {}
  const silent: Socket[] = []
  try {
    const closed = Array.from({ length: 3 }, () => {
      const socket = connect({ host: '127.0.0.1', port })
      silent.push(socket)
      socket.on('error', () => {})
      socket.resume()
      return firstOf(socket, 'close')
    })
    await Promise.all(closed)
  } finally {
    for (const socket of silent) socket.destroy()
    await node.stop()
  }
})
