import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadNodeToken } from '../../node/node-token.ts'
import { forgetKilled, passingNode } from '../../node/passing-node.ts'
import { createMesh, issueTicket, joinMesh } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../node/trust/node-key.ts'
import type { Role } from '../../node/trust/standing.ts'
import { decodeTicket } from '../../node/trust/ticket.ts'
import { useTempFolders } from '../harness/temp.ts'

const temp = useTempFolders()
const HOUR = 60 * 60_000

/** A data folder of a node that has joined as `role`. */
function joined(role: Role) {
  const data = temp.create('data')
  const { peerId: peer } = loadNodeKey(data)
  const now = Date.now()
  const founded = createMesh({ peer: loadNodeKey(temp.create('first')).peerId, addresses: [], now })
  const ticket = decodeTicket(issueTicket({ ...founded, role, notAfter: now + HOUR, now, addresses: [] }))
  new MeshFolder(data).writeMembership(joinMesh({ ticket, peer, now }))
  loadNodeToken(data)
  mkdirSync(join(data, 'store'))
  for (const name of ['purges', 'overlay.json', 'audit.log', 'mine.yaml']) writeFileSync(join(data, name), '')
  return { data, peer, founded }
}

test('only what was cached is left of it, and what is none of its own', () => {
  const { data, peer } = joined('member')
  const node = passingNode(data, peer)
  expect(existsSync(join(data, 'mesh/membership.json'))).toBe(true)
  node.remove()
  expect(readdirSync(data).sort()).toEqual(['mine.yaml', 'purges', 'store'])
})

test('a seed and a node with the admin key of a mesh are no such nodes', () => {
  const seed = joined('seed')
  expect(() => passingNode(seed.data, seed.peer)).toThrow(
    'mesh.ephemeral is for nodes that nobody misses, and this one is a seed',
  )
  const { data, peer, founded } = joined('member')
  const node = passingNode(data, peer)
  new MeshFolder(data).writeAdminKey(founded.adminKey)
  expect(() => passingNode(data, peer)).toThrow('this one has the admin key of its mesh')
  node.remove()
  expect(new MeshFolder(data).adminKey()).toBeDefined()
})

test('who was killed is forgotten by whoever starts there next, but for a seed and for one that runs', async () => {
  const { data, peer } = joined('member')
  const [running, gone] = [async () => true, async () => false]
  await forgetKilled(data, gone)
  passingNode(data, peer)
  await forgetKilled(data, running)
  expect(existsSync(join(data, 'mesh/membership.json'))).toBe(true)
  await forgetKilled(data, gone)
  expect(readdirSync(data).sort()).toEqual(['mine.yaml', 'purges', 'store'])
  const seed = joined('seed')
  writeFileSync(join(seed.data, 'passing'), seed.peer)
  await forgetKilled(seed.data, gone)
  expect(existsSync(join(seed.data, 'node.key'))).toBe(true)
})
