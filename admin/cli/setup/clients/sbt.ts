import { join } from 'node:path'
import { type Client, textOf } from '../../doctor/clients/client.ts'
import { inJavaHome, javaProperty } from '../../doctor/clients/java-home.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { sbtRepositories } from './sbt-repositories.ts'

/** Variables with options for the Java that sbt runs in, the strongest first. */
const OPTIONS = ['SBT_OPTS', 'JAVA_OPTS']

const reader: Client = {
  name: 'sbt',
  programs: ['sbt'],
  protocol: 'maven',
  read: (machine) =>
    repositoriesFiles(machine).flatMap((where) =>
      [...(textOf(where) ?? '').matchAll(/^\s*[\w.-]+:\s*(https?:\/\/[^\s,]+)/gm)].map(([, url = '']) => ({ where, url })),
    ),
}

export const sbt: SetupClient = {
  name: 'sbt',
  programs: ['sbt'],
  reader,
  keepsFormer: true,
  javaOptions: OPTIONS,
  files: repositoriesFiles,
  edit: (text, { mirror: { url } }) => sbtRepositories(text, [{ name: 'warren', url }]),
  down: 'it asks the next repository of the list; without one it stops at whatever is not in its own cache',
  next: 'put -Dsbt.override.build.repos=true into SBT_OPTS: without it builds ask what they name themselves',
}

/** Its list of repositories, where its launcher looks for it; none for who has no home. */
export function repositoriesFiles(machine: Machine): string[] {
  const file = javaProperty(machine, OPTIONS, 'sbt.repository.config')
  if (file !== undefined) return [file]
  const base = javaProperty(machine, OPTIONS, 'sbt.global.base')
  return base === undefined ? inJavaHome(machine, OPTIONS, '.sbt/repositories') : [join(base, 'repositories')]
}
