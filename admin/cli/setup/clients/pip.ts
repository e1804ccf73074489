import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isLoopback } from '../../../../node/tcp-address.ts'
import { configFolder, valuesOf } from '../../doctor/clients/client.ts'
import { pip as reader } from '../../doctor/clients/pip.ts'
import type { Machine } from '../../doctor/scene.ts'
import { hostOf } from '../../same-listener.ts'
import type { SetupClient } from '../client.ts'
import { DIALECTS, hasIniKey, withIniKey } from '../text/ini.ts'

const KEY = { dialect: DIALECTS.python, section: 'global', key: 'index-url', spelled: /^index[-_]url$/i }
const TRUSTED = { dialect: DIALECTS.python, section: 'global', key: 'trusted-host', spelled: /^trusted[-_]host$/i }
/** Sections of commands that ask an index; what one of them says stands above `[global]`. */
const COMMANDS = ['install', 'download', 'wheel', 'lock', 'index', 'list', 'search']

export const pip: SetupClient = {
  name: 'pip',
  programs: ['pip', 'pip3'],
  reader,
  files: userFiles,
  edit: (text, { mirror }) => {
    const places = [KEY, ...COMMANDS.map((section) => ({ ...KEY, section })).filter((key) => hasIniKey(text, key))]
    const led = places.reduce((before, key) => withIniKey(before, key, `${mirror.url}simple/`), text)
    return trusting(led, new URL(mirror.url))
  },
  down: 'it stops after five tries of some seconds; --index-url names another index for one command',
}

/** It takes plain HTTP from loopback, and elsewhere from hosts that it is told to trust. */
function trusting(text: string, { protocol, hostname }: URL): string {
  if (protocol !== 'http:' || isLoopback({ host: hostOf({ hostname }) })) return text
  const hosts = valuesOf(text, TRUSTED.spelled)
    .flatMap((value) => value.split(/\s+/))
    .filter((host) => host !== '')
  return hosts.includes(hostname) ? text : withIniKey(text, TRUSTED, [...hosts, hostname].join(' '))
}

/** The file that counts most of those of a user. */
function userFiles(machine: Machine): string[] {
  const { env, home } = machine
  if (env.PIP_CONFIG_FILE) return [env.PIP_CONFIG_FILE]
  const old = home === undefined ? [] : [join(home, '.pip/pip.conf')]
  const mac = home === undefined ? [] : [join(home, 'Library/Application Support/pip')]
  const folders = mac.filter((folder) => process.platform === 'darwin' && existsSync(folder))
  const [path] = [...folders, ...configFolder(machine).map((folder) => join(folder, 'pip'))].map((folder) =>
    join(folder, 'pip.conf'),
  )
  // The newer place stands above the older one, and beside it.
  return path === undefined ? old : [path]
}
