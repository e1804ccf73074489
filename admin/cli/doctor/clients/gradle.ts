import { join, resolve } from 'node:path'
import type { Machine } from '../scene.ts'
import { type Client, filesIn, type Setting, textOf } from './client.ts'
import { inJavaHome, javaProperty } from './java-home.ts'

/** Variables with options for the Java that Gradle runs in, the strongest first. */
export const GRADLE_OPTIONS = ['GRADLE_OPTS', 'JAVA_OPTS']

const URLS = /["'](https?:\/\/[^"'\s]+)["']/g

/** Gradle: addresses in scripts that run before each build. What a script does with them only Gradle knows. */
export const gradle: Client = {
  name: 'Gradle',
  programs: ['gradle'],
  protocol: 'maven',
  read: (machine) => scripts(machine).flatMap((where) => addressesIn(where)),
}

/** The folder in which it keeps everything; none for who has no home. */
export function gradleHomes(machine: Machine): string[] {
  const set = homeOption(machine) ?? machine.env.GRADLE_USER_HOME
  return set ? [resolve(machine.folder, set)] : inJavaHome(machine, GRADLE_OPTIONS, '.gradle')
}

/** The same as an option of Java's names it, which stands above the variable. */
export function homeOption(machine: Machine): string | undefined {
  return javaProperty(machine, GRADLE_OPTIONS, 'gradle.user.home')
}

function addressesIn(where: string): Setting[] {
  return [...(textOf(where) ?? '').matchAll(URLS)].map(([, url = '']) => ({ where, url }))
}

function scripts(machine: Machine): string[] {
  return gradleHomes(machine).flatMap((home) => [
    ...['init.gradle', 'init.gradle.kts'].map((name) => join(home, name)),
    ...filesIn(join(home, 'init.d'), /\.gradle(?:\.kts)?$/),
  ])
}
