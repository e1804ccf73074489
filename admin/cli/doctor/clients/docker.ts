import { join } from 'node:path'
import { z } from 'zod'
import { type Client, configFolder, parsedFile } from './client.ts'

const daemon = z.object({ 'registry-mirrors': z.array(z.string()).default([]) })

/** Docker: mirrors of Docker Hub, of the daemon of the system and of one without root. */
export const docker: Client = {
  name: 'Docker',
  programs: ['dockerd'],
  protocol: 'oci',
  read: (machine) =>
    [
      join(machine.root, 'etc/docker/daemon.json'),
      ...configFolder(machine).map((folder) => join(folder, 'docker/daemon.json')),
    ].flatMap((where) => {
      const mirrors = parsedFile(where, (text) => daemon.safeParse(JSON.parse(text)).data)?.['registry-mirrors'] ?? []
      return mirrors.map((url) => ({ where, url }))
    }),
}
