import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import type { Machine } from '../scene.ts'
import { type Client, filesIn, inHome, parsedFile } from './client.ts'

const mirror = z.object({ location: z.string(), insecure: z.boolean().optional() })
const registries = z.object({
  registry: z
    .array(z.object({ prefix: z.string().default(''), location: z.string().default(''), mirror: z.array(mirror).default([]) }))
    .default([]),
})

/** podman, skopeo and CRI-O, which share `registries.conf`. A mirror may be `insecure`, which is plain HTTP as well. */
export const containers: Client = {
  name: 'podman',
  programs: ['podman', 'skopeo', 'crio'],
  protocol: 'oci',
  read: (machine) => {
    const known = new Set<string>()
    return registriesFiles(machine).flatMap((where) => {
      const found = parsedFile(where, (text) => registries.safeParse(parse(text)).data)?.registry ?? []
      const named = new Map(found.map((one) => [one.prefix || one.location, one]))
      const counting = [...named].filter(([name]) => !known.has(name)).map(([, one]) => one)
      for (const name of named.keys()) known.add(name)
      const mirrors = counting.flatMap((one) => one.mirror)
      return mirrors.map(({ location, insecure }) => ({ where, url: `${insecure ? 'http' : 'https'}://${location}` }))
    })
  },
}

/**
 * Files that tell of registries, the strongest first: the last one that has an entry for a registry counts, alone. XDG_CONFIG_HOME is
 * not heeded, and whoever has a `registries.conf` of his own is told nothing by the system (containers-registries.conf(5)).
 */
export function registriesFiles(machine: Machine): string[] {
  const system = join(machine.root, 'etc/containers')
  const own = inHome(machine, '.config/containers')
  const isAlone = own.some((folder) => existsSync(join(folder, 'registries.conf')))
  const folders = isAlone ? own : [...own, system]
  const added = folders.flatMap((folder) => filesIn(join(folder, 'registries.conf.d'), /\.conf$/).reverse())
  return [...added, ...folders.slice(-1).map((folder) => join(folder, 'registries.conf'))]
}
