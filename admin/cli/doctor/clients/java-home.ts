import { isAbsolute, join } from 'node:path'
import type { Machine } from '../scene.ts'

/**
 * The home folder that a program of Java's takes, which is that of the account and not HOME: jobs in containers often have another one
 * there. An account without one (none, or `/`) has HOME, as Java has it from version 19 on (JDK-8280357).
 * @param options variables with options for the Java of that program, the strongest first
 */
export function javaHome(machine: Machine, options: readonly string[]): string | undefined {
  const told = javaProperty(machine, options, 'user.home')
  if (told !== undefined) return isAbsolute(told) ? told : undefined
  const { accountHome = '' } = machine
  return isAbsolute(accountHome) && accountHome.length > 1 ? accountHome : machine.home
}

/** Files below that folder; none for who has none. */
export function inJavaHome(machine: Machine, options: readonly string[], ...names: string[]): string[] {
  const home = javaHome(machine, options)
  return home === undefined ? [] : names.map((name) => join(home, name))
}

/** What options of Java say of a property; undefined where they do not. The variables are as for `javaHome`. */
export function javaProperty({ env }: Machine, options: readonly string[], name: string): string | undefined {
  for (const variable of ['_JAVA_OPTIONS', ...options, 'JDK_JAVA_OPTIONS', 'JAVA_TOOL_OPTIONS']) {
    const words = (env[variable] ?? '').match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []
    const word = words.map((one) => one.replaceAll(/["']/g, '')).findLast((one) => one.startsWith(`-D${name}=`))
    if (word !== undefined) return word.slice(`-D${name}=`.length)
  }
  return undefined
}
