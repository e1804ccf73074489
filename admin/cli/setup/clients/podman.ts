import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { inHome } from '../../doctor/clients/client.ts'
import { containers as reader } from '../../doctor/clients/containers.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { FILE, registriesConf } from './registries-conf.ts'

export const podman: SetupClient = {
  name: 'podman',
  programs: ['podman', 'skopeo', 'buildah'],
  reader,
  keepsFormer: true,
  files: (machine, mirrors) => {
    const own = inHome(machine, join('.config', FILE))
    if (machine.user !== 0) return own
    // Then those of the system do not count for root, either.
    const isAlone = inHome(machine, '.config/containers/registries.conf').some((path) => existsSync(path))
    return [...systemFiles(machine), ...(isAlone || mirrors.length === 0 ? own : [])]
  },
  edit: (_text, { machine, mirrors }, path) =>
    registriesConf(path, mirrors, systemFiles(machine).includes(path) ? ofSystem(machine) : machine),
  down: 'it pulls from the registry itself',
}

/** Reads the same files, and only those of the system. */
export const crio: SetupClient = {
  ...podman,
  name: 'cri-o',
  programs: ['crio'],
  files: systemFiles,
  next: 'reload it: systemctl reload crio',
  undone: 'reload it: systemctl reload crio',
}

function systemFiles({ root }: Machine): string[] {
  return [join(root, 'etc', FILE)]
}

function ofSystem(machine: Machine): Machine {
  return { ...machine, home: undefined }
}
