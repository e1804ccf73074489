import { createHash } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import type { Algorithm, Digest } from '../../../../node/digest.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { KadNode, type KadNodeInit } from './kad-nodes.ts'

useLeakCheck()

const nodes: KadNode[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function start(init?: KadNodeInit): Promise<KadNode> {
  const node = await KadNode.start(init)
  nodes.push(node)
  return node
}

let salt = 0
function fresh(algorithm: Algorithm): Digest {
  return { algorithm, hex: createHash(algorithm).update(`${salt++}`).digest('hex') }
}

it.each(['sha512', 'sha256', 'sha1', 'md5', 'sha384'] as const)(
  'finds by %s what another member told of',
  async (algorithm) => {
    const [one, server, another] = await Promise.all([start({ server: false }), start(), start({ server: false })])
    await one.meet(server)
    await another.meet(server)
    const digest = fresh(algorithm)
    await one.provide(digest)
    expect(await another.find(digest)).toEqual([one.id])
  },
)
