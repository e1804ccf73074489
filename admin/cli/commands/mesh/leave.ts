import { existsSync, rmSync } from 'node:fs'
import { isWarrenError, WarrenError } from '../../../../node/errors.ts'
import type { Membership } from '../../../../node/trust/membership.ts'
import { MeshFolder } from '../../../../node/trust/mesh-folder.ts'
import { writeLines } from '../../print.ts'
import { loadSettings, type SettingFlags } from '../../settings.ts'

/** Takes the node of the data folder out of its mesh. Throws MESH_CONFLICT where the admin key would be lost. */
export function leave(options: SettingFlags & { readonly yesLoseAdminKey?: boolean; readonly json?: boolean }): void {
  const { config } = loadSettings(options)
  const folder = new MeshFolder(config.data)
  const membership = membershipIn(folder)
  if (membership === undefined) throw new WarrenError('MESH_CONFLICT', 'this node is in no mesh')
  const keyFile = folder.adminKeyFile
  const hasKey = existsSync(keyFile)
  if (hasKey && !options.yesLoseAdminKey)
    throw new WarrenError(
      'MESH_CONFLICT',
      `the admin key is in ${keyFile}, and without it no further machine can be let in: move it to a safe place («mv ${keyFile} …»), or remove it with --yes-lose-admin-key`,
    )
  folder.leave()
  if (hasKey) rmSync(keyFile, { force: true })
  const mesh = membership?.mesh ?? null
  if (options.json) writeLines(process.stdout, [JSON.stringify({ mesh, adminKeyRemoved: hasKey }, null, 2)])
  else
    writeLines(process.stdout, [
      `This node has left ${mesh === null ? 'its mesh' : `mesh ${mesh}`}${hasKey ? ', and its admin key is gone' : ''}. A running node notices by itself.`,
    ])
}

/** Null for one that cannot be read: that is a reason to leave. */
function membershipIn(folder: MeshFolder): Membership | null | undefined {
  try {
    return folder.membership()
  } catch (error) {
    if (isWarrenError(error, 'MESH_UNREADABLE')) return null
    throw error
  }
}
