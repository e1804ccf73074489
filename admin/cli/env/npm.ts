import { variables } from '../doctor/clients/client.ts'
import { npm as npmSettings } from '../doctor/clients/npm.ts'
import { yarn as yarnSettings } from '../doctor/clients/yarn.ts'
import { bun as bunSetup } from '../setup/clients/bun.ts'
import type { EnvClient } from './client.ts'

/** pnpm reads npm's variables as well, and from 11 on its own before them. */
export const npm: EnvClient = {
  name: 'npm and pnpm',
  type: 'npm',
  told: (machine) => [...variables(machine, 'pnpm_config_registry'), ...npmSettings.read(machine)],
  variables: (url, { env }) => ({
    npm_config_registry: url,
    pnpm_config_registry: url,
    // The node's address would be of no use in a lockfile that others read.
    npm_config_omit_lockfile_registry_resolved: env.npm_config_omit_lockfile_registry_resolved || 'true',
  }),
}

/** 1 reads `.npmrc`, too; later ones refuse plain HTTP where nobody allows it. */
export const yarn: EnvClient = {
  name: 'yarn',
  type: 'npm',
  told: (machine) => [...yarnSettings.read(machine), ...npmSettings.read(machine)],
  variables: (url, { env }) => {
    const { hostname } = new URL(url)
    const allowed = (env.YARN_UNSAFE_HTTP_WHITELIST ?? '').split(',').filter((host) => host !== '' && host !== hostname)
    return {
      YARN_REGISTRY: url,
      YARN_NPM_REGISTRY_SERVER: url,
      YARN_UNSAFE_HTTP_WHITELIST: [...allowed, hostname].join(','),
    }
  },
}

export const bun: EnvClient = {
  name: 'bun',
  type: 'npm',
  told: (machine) => [...bunSetup.reader.read(machine), ...npmSettings.read(machine)],
  variables: (url) => ({ BUN_CONFIG_REGISTRY: url }),
}
