import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Setting, textOf } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import { repositoriesFiles } from '../setup/clients/sbt.ts'
import { sbtRepositories } from '../setup/clients/sbt-repositories.ts'
import type { FileClient } from './file-client.ts'

export const sbt: FileClient = {
  name: 'sbt',
  type: 'maven',
  isHere: () => true,
  told: ({ env }: Machine): Setting[] => {
    const [, url] = /-Dsbt\.repository\.config=(\S+)/.exec(env.SBT_OPTS ?? '') ?? []
    return url === undefined ? [] : [{ where: 'SBT_OPTS', url }]
  },
  write: (folder, { url }, machine) => {
    const [text = ''] = repositoriesFiles(machine).flatMap((path) => textOf(path) ?? [])
    const file = join(folder, 'repositories')
    writeFileSync(file, sbtRepositories(text, [{ name: 'warren', url }]), { mode: 0o600 })
    return { added: { SBT_OPTS: `-Dsbt.override.build.repos=true -Dsbt.repository.config=${file}` } }
  },
}
