import { join } from 'node:path'
import type { Machine } from '../scene.ts'
import { type Client, filesIn, inHome, type Setting, textOf } from './client.ts'

const URLS = /["'](https?:\/\/[^"'\s]+)["']/g

/** Gradle: addresses in scripts that run before each build. What a script does with them only Gradle knows. */
export const gradle: Client = {
  name: 'Gradle',
  programs: ['gradle'],
  protocol: 'maven',
  read: (machine) => scripts(machine).flatMap((where) => addressesIn(where)),
}

function addressesIn(where: string): Setting[] {
  return [...(textOf(where) ?? '').matchAll(URLS)].map(([, url = '']) => ({ where, url }))
}

function scripts(machine: Machine): string[] {
  const homes = machine.env.GRADLE_USER_HOME ? [machine.env.GRADLE_USER_HOME] : inHome(machine, '.gradle')
  return homes.flatMap((home) => [
    ...['init.gradle', 'init.gradle.kts'].map((name) => join(home, name)),
    ...filesIn(join(home, 'init.d'), /\.gradle(?:\.kts)?$/),
  ])
}
