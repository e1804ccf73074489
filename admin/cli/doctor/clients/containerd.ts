import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { type Client, parsedFile } from './client.ts'

const hosts = z.object({ host: z.record(z.string(), z.unknown()).default({}) })

/** Registries of whose folders one tells that the node is meant. */
const FOLDERS = ['docker.io', '_default'] as const

/** containerd: who is asked in the place of Docker Hub. */
export const containerd: Client = {
  name: 'containerd',
  programs: ['containerd'],
  protocol: 'oci',
  read: ({ root }) =>
    FOLDERS.map((folder) => join(root, 'etc/containerd/certs.d', folder, 'hosts.toml')).flatMap((where) => {
      const found = parsedFile(where, (text) => hosts.safeParse(parse(text)).data)
      return Object.keys(found?.host ?? {}).map((url) => ({ where, url }))
    }),
}
