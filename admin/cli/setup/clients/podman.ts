import { join } from 'node:path'
import { configFolder } from '../../doctor/clients/client.ts'
import { containers as reader } from '../../doctor/clients/containers.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { baseOf, registriesOf } from '../images.ts'
import type { ClientMirror } from '../mirror.ts'
import { literal } from '../text/toml.ts'

const FILE = 'containers/registries.conf.d/warren.conf'

export const podman: SetupClient = {
  name: 'podman',
  programs: ['podman', 'skopeo', 'buildah'],
  reader,
  keepsFormer: true,
  files: (machine) => (machine.user === 0 ? systemFiles(machine) : configFolder(machine).map((folder) => join(folder, FILE))),
  edit: (_text, { mirrors }) => registriesConf(mirrors),
  down: 'it pulls from the registry itself',
}

/** Reads the same files, and only those of the system. */
export const crio: SetupClient = {
  ...podman,
  name: 'cri-o',
  programs: ['crio'],
  files: systemFiles,
  next: 'reload it: systemctl reload crio',
}

function systemFiles({ root }: Machine): string[] {
  return [join(root, 'etc', FILE)]
}

/** A file of its own: of two entries for one registry the one that is read later counts, and others stay. */
function registriesConf(mirrors: readonly ClientMirror[]): string {
  const entries = registriesOf(mirrors).map(({ registry, mirror }) => {
    const base = new URL(baseOf(mirror))
    const location = base.host + base.pathname.replace(/\/$/, '')
    const lines = [
      '[[registry]]',
      `prefix = ${literal(registry)}`,
      `location = ${literal(registry)}`,
      '',
      '[[registry.mirror]]',
      `location = ${literal(`${location}/${registry}`)}`,
      ...(base.protocol === 'http:' ? ['insecure = true'] : []),
    ]
    return `${lines.join('\n')}\n`
  })
  return ['# Written by «warren setup podman»; with --undo it is removed.\n', ...entries].join('\n')
}
