import { inHome } from '../../doctor/clients/client.ts'
import { npm as reader } from '../../doctor/clients/npm.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { npmrcScopes } from '../scopes.ts'
import { DIALECTS, withIniKey } from '../text/ini.ts'

/** The text of an `.npmrc` with this registry, and without the node's address in lockfiles. Throws NotEditable. */
function npmrc(text: string, url: string): string {
  const led = withIniKey(text, { dialect: DIALECTS.npm, key: 'registry', spelled: /^(["']?)registry\1$/ }, url)
  return withIniKey(led, { dialect: DIALECTS.npm, key: 'omit-lockfile-registry-resolved' }, 'true')
}

export const npm: SetupClient = {
  name: 'npm',
  programs: ['npm'],
  reader,
  scopes: npmrcScopes,
  files: userFiles,
  edit: (text, { mirror }) => npmrc(text, mirror.url),
  down: 'it stops at whatever it has to fetch; what is in its own cache it still installs (--prefer-offline)',
}

/** Reads the settings of npm. */
export const pnpm: SetupClient = { ...npm, name: 'pnpm', programs: ['pnpm'] }

function userFiles(machine: Machine): string[] {
  const user = machine.env.NPM_CONFIG_USERCONFIG ?? machine.env.npm_config_userconfig
  return user ? [user] : inHome(machine, '.npmrc')
}
