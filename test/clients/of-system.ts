import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { clientNamed } from '../../admin/cli/setup/clients.ts'
import { setUp, takeBack } from '../../admin/cli/setup/set-up.ts'
import type { StartedNode } from '../harness/start-node.ts'

/** Whose settings they are: of the system, as root, in a folder that stands for `/`; or of a user. */
export function machineAt(root: string, user = 0) {
  const env: Readonly<Record<string, string>> = {}
  return { env, root, home: join(root, 'home'), folder: root, user, has: () => true }
}

/**
 * Sets a client up, does what is to be done with it, and takes the set-up back; all settings of the system and of the user have to be
 * what they were before.
 */
export async function around(
  client: string,
  node: StartedNode,
  machine: ReturnType<typeof machineAt>,
  act: () => Promise<void>,
): Promise<void> {
  const before = settingsOf(machine)
  const { mirrors } = await node.status()
  const own = {
    mirrors: mirrors.map((one) => ({ ...one, url: node.url + one.path })),
    listeners: [node.url],
    runs: true,
  }
  const report = await setUp(clientNamed(client), own, machine, { write: true, replace: false })
  expect(report).toMatchObject({ isDone: true, trouble: undefined })
  expect(settingsOf(machine)).not.toEqual(before)
  await act()
  expect(takeBack(clientNamed(client), machine)).toMatchObject({ isDone: true, trouble: undefined })
  expect(settingsOf(machine)).toEqual(before)
}

/** All that is below the folders of settings: files with their bytes, and folders. */
function settingsOf({ root, home }: ReturnType<typeof machineAt>): Map<string, string> {
  const folders = [join(root, 'etc'), join(home, '.config')].filter((folder) => existsSync(folder))
  const entries = folders.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path, entry.isFile() ? readFileSync(path).toString('base64') : '']
    }),
  )
}
