import type { Client } from '../../doctor/clients/client.ts'
import { inHome, textOf } from '../../doctor/clients/client.ts'
import type { SetupClient } from '../client.ts'
import { sbtRepositories } from './sbt-repositories.ts'

const reader: Client = {
  name: 'sbt',
  programs: ['sbt'],
  protocol: 'maven',
  read: (machine) =>
    inHome(machine, '.sbt/repositories').flatMap((where) =>
      [...(textOf(where) ?? '').matchAll(/^\s*[\w.-]+:\s*(https?:\/\/[^\s,]+)/gm)].map(([, url = '']) => ({ where, url })),
    ),
}

export const sbt: SetupClient = {
  name: 'sbt',
  programs: ['sbt'],
  reader,
  keepsFormer: true,
  files: (machine) => inHome(machine, '.sbt/repositories'),
  edit: (text, { mirror: { url } }) => sbtRepositories(text, [{ name: 'warren', url }]),
  down: 'it asks the next repository of the list; without one it stops at whatever is not in its own cache',
  next: 'put -Dsbt.override.build.repos=true into SBT_OPTS: without it builds ask what they name themselves',
}
