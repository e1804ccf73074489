import { z } from 'zod'
import { type Client, parsedFile } from '../../doctor/clients/client.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { baseOf, registriesOf } from '../images.ts'
import { daemonFiles } from '../rootless.ts'
import { readToml, withTomlKey } from '../text/toml.ts'

const settings = z.object({
  registry: z
    .record(z.string(), z.object({ mirrors: z.array(z.string()).default([]), http: z.boolean().optional() }))
    .default({}),
})

const reader: Client = {
  name: 'BuildKit',
  programs: ['buildkitd'],
  protocol: 'oci',
  read: (machine) =>
    files(machine).flatMap((where) => {
      const registry = parsedFile(where, registriesIn) ?? {}
      return (registry['docker.io']?.mirrors ?? []).map((host) => ({
        where,
        url: `${registry[host]?.http ? 'http' : 'https'}://${host}`,
      }))
    }),
}

export const buildkit: SetupClient = {
  name: 'buildkit',
  programs: reader.programs,
  reader,
  keepsFormer: true,
  files,
  edit: (text, { mirrors }) => {
    const led = registriesOf(mirrors).reduce((before, { registry, mirror }) => {
      const { host, pathname } = new URL(baseOf(mirror))
      const own = host + pathname.replace(/\/$/, '')
      const others = registriesIn(before)[registry]?.mirrors ?? []
      return others.includes(own) ? before : withTomlKey(before, ['registry', registry], 'mirrors', [own, ...others])
    }, text)
    const open = new Set(mirrors.filter(({ url }) => url.startsWith('http:')).map(({ url }) => new URL(url).host))
    return [...open].reduce((before, host) => withTomlKey(before, ['registry', host], 'http', true), led)
  },
  down: 'it pulls from the registry itself',
  next: 'restart buildkitd; a builder of buildx is given the file with «docker buildx create --buildkitd-config», and has a localhost of its own',
  undone: 'restart buildkitd',
}

function registriesIn(text: string) {
  return settings.safeParse(readToml(text)).data?.registry ?? {}
}

function files(machine: Machine): string[] {
  return daemonFiles(machine, { file: 'buildkit/buildkitd.toml', socket: 'buildkit/buildkitd.sock' })
}
