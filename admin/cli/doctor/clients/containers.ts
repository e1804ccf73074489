import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import type { Machine } from '../scene.ts'
import { type Client, configFolder, filesIn, parsedFile } from './client.ts'

const registries = z.object({
  registry: z
    .array(z.object({ mirror: z.array(z.object({ location: z.string(), insecure: z.boolean().optional() })).default([]) }))
    .default([]),
})

/** podman, skopeo and CRI-O, which share `registries.conf`. A mirror may be `insecure`, which is plain HTTP as well. */
export const containers: Client = {
  name: 'podman',
  programs: ['podman', 'skopeo', 'crio'],
  protocol: 'oci',
  read: (machine) =>
    files(machine).flatMap((where) => {
      const found = parsedFile(where, (text) => registries.safeParse(parse(text)).data)
      const mirrors = (found?.registry ?? []).flatMap(({ mirror }) => mirror)
      return mirrors.map(({ location, insecure }) => ({ where, url: `${insecure ? 'http' : 'https'}://${location}` }))
    }),
}

function files(machine: Machine): string[] {
  const folders = [...configFolder(machine).map((folder) => join(folder, 'containers')), join(machine.root, 'etc/containers')]
  return folders.flatMap((folder) => [
    join(folder, 'registries.conf'),
    ...filesIn(join(folder, 'registries.conf.d'), /\.conf$/),
  ])
}
