import type { Machine } from '../doctor/scene.ts'
import type { Mirrors } from '../get/mirrors.ts'
import type { EnvClient } from './client.ts'
import { choose, placeText } from './leading.ts'
import { bun, npm, yarn } from './npm.ts'
import { coursier, go, mavenWrapper } from './others.ts'
import { pdm, pip, pipenv, uv } from './python.ts'

const CLIENTS: readonly EnvClient[] = [npm, yarn, bun, pip, uv, pdm, pipenv, go, coursier, mavenWrapper]

/** What becomes of a client. */
export type Outcome =
  | { readonly client: string; readonly mirror: string; readonly instead?: string }
  | { readonly client: string; readonly mirror: null; readonly why: string }

export interface Led {
  readonly variables: ReadonlyMap<string, string>
  readonly outcomes: readonly Outcome[]
}

/** The variables that lead clients to mirrors, and what becomes of each. */
export function leadByVariables(mirrors: Mirrors, machine: Machine): Led {
  const variables = new Map<string, string>()
  const outcomes = CLIENTS.map((client): Outcome => {
    const { name } = client
    const choice = choose(client, mirrors, machine)
    if (!choice.mirror) return { client: name, mirror: null, why: choice.why }
    const { mirror, instead } = choice
    for (const [variable, value] of Object.entries(client.variables(mirrors.urlOf(mirror, ''), machine)))
      variables.set(variable, value)
    return { client: name, mirror: mirror.name, ...(instead && { instead: placeText(instead) }) }
  })
  return { variables, outcomes }
}
