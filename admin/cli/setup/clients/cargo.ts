import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cargo as reader } from '../../doctor/clients/cargo.ts'
import { inHome } from '../../doctor/clients/client.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { cargoConfig } from './cargo-config.ts'

export const cargo: SetupClient = {
  name: 'cargo',
  programs: ['cargo'],
  reader,
  files,
  edit: (text, { mirror }) => cargoConfig(text, mirror.url),
  down: 'it stops at whatever is not in its own cache; what is there it builds with --offline',
}

/** cargo reads the old name where it is there, and warns if both are. */
function files(machine: Machine): string[] {
  const { CARGO_HOME } = machine.env
  return (CARGO_HOME ? [CARGO_HOME] : inHome(machine, '.cargo')).map((folder) => {
    const old = join(folder, 'config')
    return existsSync(old) ? old : join(folder, 'config.toml')
  })
}
