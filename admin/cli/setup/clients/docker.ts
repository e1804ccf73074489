import { join } from 'node:path'
import { isLoopback } from '../../../../node/tcp-address.ts'
import { filesIn, textOf } from '../../doctor/clients/client.ts'
import { docker as reader } from '../../doctor/clients/docker.ts'
import type { Machine } from '../../doctor/scene.ts'
import { hostOf } from '../../same-listener.ts'
import type { SetupClient } from '../client.ts'
import { baseOf } from '../images.ts'
import { NotEditable } from '../not-editable.ts'
import { daemonFiles } from '../rootless.ts'
import { withJsonEntry } from '../text/json.ts'

/** A key of `daemon.json`, and what it is called on the command line. */
const FLAGS = { 'registry-mirrors': '--registry-mirror', 'insecure-registries': '--insecure-registry' } as const

export const docker: SetupClient = {
  name: 'docker',
  programs: reader.programs,
  reader,
  keepsFormer: true,
  files: (machine) => daemonFiles(machine, { file: 'docker/daemon.json', socket: 'docker.sock' }),
  edit: (text, { machine, mirror }) => {
    const base = baseOf(mirror)
    const { protocol, host, hostname } = new URL(base)
    const isOpen = protocol === 'http:' && !isLoopback({ host: hostOf({ hostname }) })
    // Pulls take a mirror's scheme from its URL; builds, and images that are named by the node, speak plain HTTP only where this allows it.
    const entries = [...(isOpen ? [['insecure-registries', host] as const] : []), ['registry-mirrors', base] as const]
    return entries.reduce((before, [key, entry]) => {
      const after = withJsonEntry(before, key, entry)
      if (after !== before) checkFlags(machine, key)
      return after
    }, text)
  },
  down: 'it pulls from Docker Hub itself',
  // As dockerd 20.10 is: only a restart reaches its builder, and takes away what the file does not name any more.
  next: 'restart its daemon; «systemctl reload docker» stops no container, and is enough for pulls, but not for builds. It has mirrors for Docker Hub only',
  undone: 'restart its daemon: one that is only reloaded keeps the mirror',
}

/** The daemon does not start with a key in its file that it has on its command line, too. Throws NotEditable. */
function checkFlags({ root }: Machine, key: keyof typeof FLAGS): void {
  const units = join(root, 'etc/systemd/system')
  const files = [
    ...['default/docker', 'sysconfig/docker'].map((name) => join(root, 'etc', name)),
    join(units, 'docker.service'),
    ...filesIn(join(units, 'docker.service.d'), /\.conf$/),
  ]
  const isGiven = (line: string) => !line.trimStart().startsWith('#') && line.includes(FLAGS[key])
  const where = files.find((path) => textOf(path)?.split('\n').some(isGiven))
  if (where !== undefined)
    throw new NotEditable(
      `${where} has ${FLAGS[key]}, beside which the daemon does not start: put that into the list ${JSON.stringify(key)} first`,
    )
}
