import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { configFolder } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'

interface Daemon {
  /** Its file of settings below `/etc`, and below the settings of a user for one without root. */
  readonly file: string
  /** Its socket, below the runtime folder of a user. */
  readonly socket: string
}

/** The settings of a daemon: those of the system, unless this user has one without root. */
export function daemonFiles(machine: Machine, { file, socket }: Daemon): string[] {
  const system = join(machine.root, 'etc', file)
  const [own] = machine.user === 0 ? [] : configFolder(machine).map((folder) => join(folder, file))
  const { XDG_RUNTIME_DIR: runtime } = machine.env
  const runs = runtime !== undefined && existsSync(join(runtime, socket))
  return [own !== undefined && (runs || existsSync(own)) ? own : system]
}
