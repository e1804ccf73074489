import { join } from 'node:path'
import { isLoopback } from '../../../../node/tcp-address.ts'
import { configFolder } from '../../doctor/clients/client.ts'
import { docker as reader } from '../../doctor/clients/docker.ts'
import { hostOf } from '../../same-listener.ts'
import type { SetupClient } from '../client.ts'
import { baseOf } from '../images.ts'
import { withJsonEntry } from '../text/json.ts'

export const docker: SetupClient = {
  name: 'docker',
  programs: reader.programs,
  reader,
  keepsFormer: true,
  // Its daemon is that of the system, or one without root.
  files: (machine) =>
    machine.user === 0
      ? [join(machine.root, 'etc/docker/daemon.json')]
      : configFolder(machine).map((folder) => join(folder, 'docker/daemon.json')),
  edit: (text, { mirror }) => {
    const base = baseOf(mirror)
    const { protocol, host, hostname } = new URL(base)
    const isOpen = protocol === 'http:' && !isLoopback({ host: hostOf({ hostname }) })
    // It speaks plain HTTP to loopback only, unless it is told to.
    const led = isOpen ? withJsonEntry(text, 'insecure-registries', host) : text
    return withJsonEntry(led, 'registry-mirrors', base)
  },
  down: 'it pulls from Docker Hub itself',
  next: 'restart the daemon (as root: the one of the system). It has mirrors for Docker Hub only',
}
