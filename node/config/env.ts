import { isAbsolute } from 'node:path'
import { reasonOf } from '../errors.ts'
import { MAX_VALUE_BYTES } from './constants.ts'
import { nearest } from './nearest.ts'
import type { Given, Problems } from './problems.ts'
import { CREDENTIALS, MIRRORS, settings, variableFor } from './settings.ts'
import { readBounded } from './yaml-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Names the configuration file. */
export const CONFIG_VARIABLE = 'WARREN_CONFIG'

/** A ticket, for `warren mesh join` and `warren up`. */
export const TICKET_VARIABLE = 'WARREN_TICKET'

/** The token of the node that `--node` names. */
export const TOKEN_VARIABLE = 'WARREN_TOKEN'

/** An operator key, for commands that change the whole mesh. */
export const OPERATOR_VARIABLE = 'WARREN_OPERATOR_KEY'

/** The folder in which `warren env` has put settings for the clients of a job. */
export const FOLDER_VARIABLE = 'WARREN_ENV_FOLDER'

/** What is said to a command rather than set. Secrets come in files as well, as settings do. */
const NO_SETTINGS = [
  CONFIG_VARIABLE,
  FOLDER_VARIABLE,
  ...[TICKET_VARIABLE, TOKEN_VARIABLE, OPERATOR_VARIABLE].flatMap((name) => [name, `${name}_FILE`]),
]

const keys: ReadonlyMap<string, string> = new Map([...settings.keys()].map((key) => [variableFor(key), key]))

/** Kubernetes sets such variables in every pod beside a service that is called `warren`. */
const SERVICE_LINK =
  /^WARREN_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/**
 * The settings in the environment. Every variable also exists with `_FILE` at its end and names a file that holds the value,
 * which is how containers get secrets. Empty ones count as not set.
 */
export function readEnvironment(env: Environment, problems: Problems): Given[] {
  const given: Given[] = []
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('WARREN_') || NO_SETTINGS.includes(variable) || !text || isServiceLink(variable, env)) continue
    const plain = variable.replace(/_FILE$/, '')
    const key = keys.get(variable) ?? keys.get(plain)
    if (key === undefined) reportUnknown(variable, problems)
    else if (keys.has(variable)) given.push(...decode(key, text, { where: variable }, problems))
    else if (env[plain]) problems.add(`${variable}: ${plain} is set as well; set one of the two`)
    else given.push(...fromFile(key, variable, text, problems))
  }
  return given
}

function fromFile(key: string, variable: string, path: string, problems: Problems): Given[] {
  if (!isAbsolute(path)) {
    problems.add(`${variable}: ${JSON.stringify(path)} must be an absolute path`)
    return []
  }
  try {
    const text = readBounded(path, MAX_VALUE_BYTES)
    if (text !== undefined)
      return decode(key, text.replace(/\r?\n$/, ''), { where: `${variable} (${path})`, secret: true }, problems)
    problems.add(
      `${variable}: ${path} is larger than ${MAX_VALUE_BYTES} bytes; it must hold the value of ${key} and nothing else`,
    )
  } catch (error) {
    problems.add(`${variable}: ${path} cannot be read: ${reasonOf(error)}`)
  }
  return []
}

function decode(key: string, text: string, origin: Pick<Given, 'where' | 'secret'>, problems: Problems): Given[] {
  if (key === MIRRORS) return mirrors(text, origin, problems)
  // What is no JSON is no group either; the rule says so.
  if (key === CREDENTIALS) return [{ key, value: json(text) ?? text, ...origin, secret: true }]
  return [{ key, value: settings.get(key)?.list ? list(text) : text, ...origin }]
}

/** A JSON array or entries between commas; `[::1]:7470` begins like the one and is the other. */
function list(text: string): unknown {
  const parsed = /^\s*\[\s*["\]]/.test(text) ? json(text) : undefined
  return Array.isArray(parsed) ? parsed : text.split(',').map((entry) => entry.trim())
}

function mirrors(text: string, origin: Pick<Given, 'where' | 'secret'>, problems: Problems): Given[] {
  const value = json(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).map(([name, entry]) => ({ key: `${MIRRORS}.${name}`, value: entry, ...origin }))
  }
  problems.wrong(
    { key: MIRRORS, value: text, ...origin },
    [],
    'a JSON object, such as {"corp": {"protocol": "npm", "upstreams": ["https://…"]}}',
  )
  return []
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reportUnknown(variable: string, problems: Problems): void {
  const meant = nearest(variable, [...NO_SETTINGS, ...keys.keys()])
  problems.add(
    `${variable}: there is no such setting; ${meant ? `did you mean ${meant}?` : '«warren config» lists all settings'}`,
  )
}

function isServiceLink(variable: string, env: Environment): boolean {
  return env.KUBERNETES_SERVICE_HOST !== undefined && SERVICE_LINK.test(variable)
}
