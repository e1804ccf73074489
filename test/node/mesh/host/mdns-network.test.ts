import { join } from 'node:path'
import { expect, it } from 'vitest'
import { statusSchema } from '../../../../admin/api/status-schema.ts'
import { runWarren } from '../../../admin/cli/run-warren.ts'
import { Network } from '../../../harness/network.ts'
import { type NodeProcess, startNodeProcess } from '../../../harness/node.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'

const temp = useTempFolders()

/** Nothing is there, and nobody else. */
const NOWHERE = '10.77.0.99:7471'

it('members in one network find each other though the ticket leads nowhere', { timeout: 120_000 }, async (context) => {
  using network = Network.create(context)
  const nodes: NodeProcess[] = []
  const warren = async (data: string, ...args: string[]) => {
    const { code, stdout } = await runWarren([...args, '--data', data], { home: data })
    expect(code).toBe(0)
    return stdout.trim()
  }
  try {
    const datas = [temp.create('first'), temp.create('second')] as const
    await warren(datas[0], 'mesh', 'create', '--address', NOWHERE)
    const ticket = await warren(datas[0], 'mesh', 'ticket', '--address', NOWHERE)
    for (const [at, data] of datas.entries()) {
      // A path is the same file in each of the networks.
      const args = ['--admin-listen', `unix:${join(data, 'admin')}`]
      const env: Record<string, string> = at === 0 ? {} : { WARREN_TICKET: ticket }
      nodes.push(await startNodeProcess({ data, args, env, within: network.hosts[at]?.within ?? [] }))
    }
    const status = await eventually('they have found each other', async () => {
      const { mesh } = statusSchema.parse(JSON.parse(await warren(datas[1], 'status', '--json')))
      return mesh.state === 'member' && mesh
    })
    expect(status.listen).toEqual([`/ip4/${network.hosts[1].address}/tcp/7471/p2p/${status.peer}`])
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
  }
})
