import type { JobFolder, Mark } from './job-folder.ts'
import type { Changes } from './shell.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What takes back what a mark tells of, from the variables as they are now. */
export function takenBack({ before, added }: Mark, env: Environment): Map<string, string | null> {
  const taken = new Map<string, string | null>(Object.entries(before))
  for (const [name, words] of Object.entries(added)) taken.set(name, without(env[name] ?? '', words))
  return taken
}

/** The variables as they were before a folder was made: what is found there again is nobody's wish. */
export function environmentBefore(env: Environment, folder: JobFolder | undefined): Environment {
  if (!folder) return env
  const taken = [...takenBack(folder.mark, env)].map(([name, value]) => [name, value ?? undefined])
  return { ...env, ...Object.fromEntries(taken) }
}

/** What has to be known to take variables back. Logins are not written down: what has one is taken away in the end. */
export function markOf(variables: ReadonlyMap<string, string>, added: ReadonlyMap<string, string>, env: Environment): Mark {
  const before = [...variables.keys()].map((name) => {
    const value = env[name]
    return [name, value === undefined || /\/\/[^/]*@/.test(value) ? null : value]
  })
  return { before: Object.fromEntries(before), added: Object.fromEntries(added) }
}

/** The variables as they shall be: what is added stands behind the words that are there. */
export function changesOf(
  variables: ReadonlyMap<string, string>,
  added: ReadonlyMap<string, string>,
  env: Environment,
): Changes {
  const longer = [...added].map(([name, words]) => [name, [env[name], words].filter(Boolean).join(' ')] as const)
  return new Map([...variables, ...longer])
}

function without(text: string, words: string): string | null {
  const rest = text.split(words).join('').trim()
  return rest === '' ? null : rest
}
