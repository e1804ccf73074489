import { join } from 'node:path'
import { inHome, textOf } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'

/**
 * Where there is a login for an upstream that a client is led to, so that whoever gives it to a node knows where to look. Names of keys,
 * variables and files only: values are not even kept.
 */
export function loginPlaces(url: URL, where: string, machine: Machine): string[] {
  // A query is left out of what a mirror asks, and tokens may be in it.
  const inUrl = url.username + url.password + url.search === '' ? [] : [`the URL itself (${where})`]
  return [
    ...inUrl,
    ...npmKeys(url, machine),
    ...yarnKeys(url, machine),
    ...netrc(url, machine),
    ...mavenServers(where),
    ...cargoTokens(url, machine),
    ...docker(url, machine),
  ]
}

/** `//host/path/:_authToken` and its kind, for the URL or what is above it. */
function npmKeys({ host, pathname }: URL, machine: Machine): string[] {
  const file = [machine.env.NPM_CONFIG_USERCONFIG ?? machine.env.npm_config_userconfig]
  const paths = [join(machine.folder, '.npmrc'), ...file.flatMap((path) => path ?? inHome(machine, '.npmrc'))]
  return [...new Set(paths)].flatMap((path) =>
    [...quietly(path).matchAll(/^\s*(\/\/([^/\s=]+)(\/[^\s=]*?)?:(?:_authToken|_auth|_password|username))\s*=\s*(.*)$/gm)]
      .filter(([, , of, below = '/']) => of === host && `${pathname}/`.startsWith(below))
      .map(([, key, , , value = '']) => {
        const [, variable] = /^"?\$\{(\w+)\??\}"?$/.exec(value.trim()) ?? []
        return variable === undefined ? `${key} in ${path}` : `the variable ${variable}, which ${key} in ${path} names`
      }),
  )
}

/** yarn berry has a login for all registries, or one for each. */
function yarnKeys({ host }: URL, machine: Machine): string[] {
  return [join(machine.folder, '.yarnrc.yml'), ...inHome(machine, '.yarnrc.yml')].flatMap((path) => {
    const text = quietly(path)
    const keys = [...text.matchAll(/^\s*(npmAuthToken|npmAuthIdent)\s*:/gm)].map(([, key]) => `${key} in ${path}`)
    return text.includes(host) ? [...new Set(keys)] : []
  })
}

/** What pip, uv, Poetry, go and curl read. */
function netrc({ hostname }: URL, machine: Machine): string[] {
  const paths = machine.env.NETRC ? [machine.env.NETRC] : inHome(machine, '.netrc', '_netrc')
  return paths
    .filter((path) => [...quietly(path).matchAll(/(?:^|\s)machine\s+(\S+)/g)].some(([, name]) => name === hostname))
    .map((path) => `machine ${hostname} in ${path}`)
}

/** Ids of servers of Maven that are mirrors as well. */
function mavenServers(where: string): string[] {
  if (!where.endsWith('settings.xml')) return []
  const text = quietly(where)
  const mirrors = [...text.matchAll(/<mirror>[\s\S]*?<id>\s*([^<\s]+)\s*<\/id>/g)].map(([, id]) => id)
  const servers = [...text.matchAll(/<server>[\s\S]*?<id>\s*([^<\s]+)\s*<\/id>/g)].map(([, id]) => id)
  return servers.filter((id) => mirrors.includes(id)).map((id) => `server ${id} in ${where}`)
}

/** Tokens of cargo are by the name that its settings have for a registry. */
function cargoTokens({ host }: URL, machine: Machine): string[] {
  const { CARGO_HOME } = machine.env
  return (CARGO_HOME ? [CARGO_HOME] : inHome(machine, '.cargo')).flatMap((home) => {
    const tables = [...quietly(join(home, 'config.toml')).matchAll(/^\s*\[(?:registries|source)\.([\w-]+)\]([^[]*)/gm)]
    const names = new Set(tables.filter(([, , body = '']) => body.includes(host)).map(([, name]) => name))
    const path = join(home, 'credentials.toml')
    const tokens = [...quietly(path).matchAll(/^\s*\[registries\.([\w-]+)\]/gm)].map(([, name]) => name)
    return tokens.filter((name) => names.has(name)).map((name) => `[registries.${name}] in ${path}`)
  })
}

function docker({ host }: URL, machine: Machine): string[] {
  const folder = machine.env.DOCKER_CONFIG
  const paths = folder ? [join(folder, 'config.json')] : inHome(machine, '.docker/config.json')
  return paths.filter((path) => quietly(path).includes(`"${host}"`)).map((path) => `auths of ${host} in ${path}`)
}

/** What cannot be read here is no place either. */
function quietly(path: string): string {
  try {
    return textOf(path) ?? ''
  } catch {
    return ''
  }
}
