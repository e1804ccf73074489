import { formatAddress } from '../../../../node/config/address.ts'
import { isLoopback, parseTcpAddress, type TcpAddress, toHostPort } from '../../../../node/tcp-address.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { isOpen } from '../is-open.ts'
import { type Scene, statusOf } from '../scene.ts'

/** Whether clients of this machine reach the node where it says that it is, and who else may. */
export async function checkPorts(scene: Scene): Promise<readonly Finding[]> {
  const { config } = scene.local?.settings ?? {}
  const status = statusOf(scene)
  if (!scene.node) return config ? takenBy(config.listen) : []
  if (!config || !status) return []
  const addresses = status.node.listen.flatMap((url) => parseTcpAddress(new URL(url).host) ?? [])
  const dead = await unanswered(addresses)
  const { listen: admin } = config.admin
  return [
    ...(dead.length === 0
      ? [ok(`mirrors at ${addresses.map(toHostPort).join(', ')}`)]
      : dead.map((address) =>
          wrong(
            `nothing answers at ${toHostPort(address)}, where the node says that it is`,
            'see what its firewall lets through',
          ),
        )),
    ...(addresses.every(isLoopback) || !config.credentials?.length
      ? []
      : [
          note(
            'others than this machine reach its mirrors, and so read what its logins open',
            'listen on loopback only, or leave such registries out',
          ),
        ]),
    ...('socket' in admin || isLoopback(admin)
      ? []
      : [
          note(
            `the admin API is at ${formatAddress(admin)}, for other machines too, in plain HTTP`,
            'admin.listen on loopback, and ssh to it',
          ),
        ]),
  ]
}

/** Without a node its ports should be free. */
async function takenBy(listen: readonly TcpAddress[]): Promise<Finding[]> {
  const dead = await unanswered(listen)
  return listen
    .filter((address) => !dead.includes(address))
    .map((address) =>
      wrong(`${toHostPort(address)} is taken by something else`, 'stop that, or choose another address (listen)'),
    )
}

async function unanswered(addresses: readonly TcpAddress[]): Promise<TcpAddress[]> {
  const answers = await Promise.all(addresses.map(isOpen))
  return addresses.filter((_, at) => !answers[at])
}
