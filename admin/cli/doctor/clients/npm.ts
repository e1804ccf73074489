import { join } from 'node:path'
import type { Machine } from '../scene.ts'
import { type Client, inHome, type Setting, textOf, valuesOf, variables } from './client.ts'

/** npm, pnpm and yarn 1, which all read `.npmrc`; of a scope it is a setting of its own, for another registry mostly. */
export const npm: Client = {
  name: 'npm',
  programs: ['npm', 'pnpm'],
  protocol: 'npm',
  read: (machine) => [...npmVariables(machine), ...files(machine)],
}

/** bun heeds them as well. What npm runs gets all of its settings in such variables, those of files, too: these are not set by anybody. */
export function npmVariables(machine: Machine): Setting[] {
  const isBelowNpm = machine.env.npm_lifecycle_event !== undefined
  return variables(machine, ...(isBelowNpm ? [] : ['npm_config_registry']), 'NPM_CONFIG_REGISTRY')
}

function files(machine: Machine): Setting[] {
  return npmrcs(machine).flatMap((where) =>
    valuesOf(textOf(where) ?? '', /^registry$/).map((value) => ({
      where,
      url: expanded(value.replace(/\s+[;#].*$/, ''), machine),
    })),
  )
}

/** Files of the project and of the user, the strongest first. */
export function npmrcs(machine: Machine): string[] {
  const { env, folder } = machine
  const user = env.NPM_CONFIG_USERCONFIG ?? env.npm_config_userconfig
  return [...new Set([join(folder, '.npmrc'), ...(user ? [user] : inHome(machine, '.npmrc'))])]
}

/** `${NAME}` stands for a variable of the environment. */
export function expanded(value: string, { env }: Machine): string {
  return value.replace(/\$\{(\w+)\??\}/g, (whole, name: string) => env[name] ?? whole)
}
