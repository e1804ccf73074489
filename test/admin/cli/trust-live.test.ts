import { expect, test } from 'vitest'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import { decodeTicket, ticketFacts } from '../../../node/trust/ticket.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { startNode } from '../../harness/start-node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { TestMesh } from '../../harness/test-mesh.ts'
import { eventually } from '../../harness/wait.ts'
import { runWarren } from './run-warren.ts'

useLeakCheck()
const folders = useTempFolders()

/** Nobody asks it for anything. */
const upstream = 'http://127.0.0.1:9/'

/** A mesh of nodes whose seed has the admin key; `warren` runs where that seed is. */
async function world() {
  const mesh = await TestMesh.create(folders, { upstream })
  const { seed } = mesh
  new MeshFolder(seed.data).writeAdminKey(mesh.adminKey)
  const warren = async (...args: string[]) => {
    const { code, stdout, stderr } = await runWarren([...args, '--data', seed.data], { home: seed.data })
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }
  return { mesh, seed, warren }
}

test('a running node takes over what the command line does beside it, and so does the whole mesh', async () => {
  const { mesh, seed, warren } = await world()
  const [member, other] = [await mesh.join({ upstream }), await mesh.join({ upstream })]
  const roleAt = async (node: typeof seed) => (await node.peers()).find(({ id }) => id === member.peer)?.role

  expect(await warren('seed', 'add', member.peer)).toContain('\nThe running node tells the mesh at once.\n')
  await eventually('all say so', async () => (await roleAt(seed)) === 'seed' && (await roleAt(other)) === 'seed')
  const { mesh: status } = await eventually('it says so', async () => {
    const now = await member.status()
    return now.mesh.role === 'seed' && now
  })
  // It was never out of the mesh.
  expect(status).toMatchObject({ state: 'member', trouble: null })
  expect(new MeshFolder(member.data).membership()?.chain.length).toBe(1)
  expect((await other.status()).mesh).toMatchObject({ peers: 2, seeds: 2 })

  await warren('seed', 'revoke', member.peer)
  await eventually('it is gone', async () => (await roleAt(seed)) === undefined && (await roleAt(other)) === undefined)
  const trouble = await eventually('it says why', async () => (await member.status()).mesh.trouble ?? undefined)
  expect(trouble).toContain(`${member.peer} was revoked as a seed`)
  expect((await other.status()).mesh).toMatchObject({ state: 'member', trouble: null, peers: 1, seeds: 1 })
})

test('a node whose ticket was revoked starts alone, says why, and is in the mesh again with another ticket', async () => {
  const { mesh, seed, warren } = await world()
  const { node, data } = await mesh.join({ upstream })
  const { ticket: id } = (await seed.peers())[0] ?? {}
  await node.stop()
  expect(await warren('mesh', 'revoke', `${id}`)).toContain('It was not issued on this machine.')
  const alone = await startNode({ data, upstream })
  const why = await eventually('it says why', async () => (await alone.status()).mesh.trouble ?? undefined)
  expect(why).toContain(`ticket ${id} was revoked`)
  await alone.node.stop()
  const again = await startNode({ data, upstream })
  expect((await again.status()).mesh).toMatchObject({ state: 'lone', trouble: expect.stringContaining(`${id} was revoked`) })

  const ticket = mesh.ticket()
  expect(ticketFacts(decodeTicket(ticket)).id).not.toBe(id)
  const { code } = await runWarren(['mesh', 'join', '--data', data], { home: data, input: ticket })
  expect(code).toBe(0)
  await eventually('it is in', async () => (await again.status()).mesh.state === 'member')
})
