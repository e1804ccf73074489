import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cargo as settings } from '../doctor/clients/cargo.ts'
import { inHome, textOf } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import { cargoConfig } from '../setup/clients/cargo-config.ts'
import type { FileClient } from './file-client.ts'
import { linkHome } from './linked-home.ts'

const CONFIGS = ['config.toml', 'config']

/**
 * Cargo takes the place of a registry from files only (its reference, «Configuration», `[source]`: «Environment: not supported»). The
 * one file that is above no project is in its home, so another home stands for that, with links to all the rest.
 */
export const cargo: FileClient = {
  name: 'Cargo',
  type: 'cargo',
  isHere: (machine) => machine.has('cargo') || homesOf(machine).some((home) => existsSync(home)),
  told: (machine) => settings.read(machine),
  write: (folder, { url }, machine) => {
    const [home = folder] = homesOf(machine)
    const text = CONFIGS.map((name) => textOf(join(home, name))).find((one) => one !== undefined)
    if (home !== folder)
      linkHome(home, folder, {
        own: CONFIGS,
        shared: ['bin', 'git', 'registry'],
        files: ['.global-cache', '.package-cache', '.package-cache-mutate'],
      })
    writeFileSync(join(folder, 'config.toml'), cargoConfig(text ?? '', url), { mode: 0o600 })
    return { variables: { CARGO_HOME: folder } }
  },
}

function homesOf(machine: Machine): string[] {
  const { CARGO_HOME } = machine.env
  return CARGO_HOME ? [resolve(machine.folder, CARGO_HOME)] : inHome(machine, '.cargo')
}
