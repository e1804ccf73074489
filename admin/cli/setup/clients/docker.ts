import { isLoopback } from '../../../../node/tcp-address.ts'
import { docker as reader } from '../../doctor/clients/docker.ts'
import { hostOf } from '../../same-listener.ts'
import type { SetupClient } from '../client.ts'
import { baseOf } from '../images.ts'
import { daemonFiles } from '../rootless.ts'
import { withJsonEntry } from '../text/json.ts'

export const docker: SetupClient = {
  name: 'docker',
  programs: reader.programs,
  reader,
  keepsFormer: true,
  files: (machine) => daemonFiles(machine, { file: 'docker/daemon.json', socket: 'docker.sock' }),
  edit: (text, { mirror }) => {
    const base = baseOf(mirror)
    const { protocol, host, hostname } = new URL(base)
    const isOpen = protocol === 'http:' && !isLoopback({ host: hostOf({ hostname }) })
    // It speaks plain HTTP to loopback only, unless it is told to.
    const led = isOpen ? withJsonEntry(text, 'insecure-registries', host) : text
    return withJsonEntry(led, 'registry-mirrors', base)
  },
  down: 'it pulls from Docker Hub itself',
  next: 'restart its daemon; it has mirrors for Docker Hub only',
}
