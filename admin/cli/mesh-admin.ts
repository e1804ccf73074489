import { resolve } from 'node:path'
import { WarrenError } from '../../node/errors.ts'
import { Ledger } from '../../node/ledger/ledger.ts'
import type { SigningKey } from '../../node/trust/keys.ts'
import type { Membership } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { JOIN_ONE } from './mesh-facts.ts'
import { loadSettings, type SettingFlags } from './settings.ts'

export interface AdminOptions extends SettingFlags {
  readonly adminKey?: string
  readonly json?: boolean
}

/** The mesh of a data folder. */
export interface MeshAt {
  readonly data: string
  readonly folder: MeshFolder
  readonly membership: Membership
  readonly ledger: Ledger
}

/** The mesh that the node of a data folder is in. Throws MESH_CONFLICT when it is in none. */
export function meshAt(options: SettingFlags): MeshAt {
  const { config } = loadSettings(options)
  const mesh = meshOf(config.data)
  if (!mesh)
    throw new WarrenError(
      'MESH_CONFLICT',
      `the node of ${config.data} is in no mesh; ${JOIN_ONE} comes first, or --data names the folder of another`,
    )
  return mesh
}

/** The same of a data folder; undefined where its node is in none. */
export function meshOf(data: string): MeshAt | undefined {
  const folder = new MeshFolder(data)
  const membership = folder.membership()
  if (!membership) return undefined
  const { adminKey } = membership
  const onTrouble = (message: string) => void process.stderr.write(`warren: warning: ${message}\n`)
  return { data, folder, membership, ledger: new Ledger({ onTrouble }, { folder: folder.path, adminKey }) }
}

/** The same with the admin key, which is needed to `act`. Throws MESH_CONFLICT when that is not there, or of another mesh. */
export function administered(options: AdminOptions, act: string): MeshAt & { readonly adminKey: SigningKey } {
  const mesh = meshAt(options)
  const { folder, membership } = mesh
  const file = options.adminKey === undefined ? folder.adminKeyFile : resolve(options.adminKey)
  const adminKey = folder.adminKey(file)
  if (!adminKey)
    throw new WarrenError(
      'MESH_CONFLICT',
      `there is no admin key at ${file}: ${act} on the node that created mesh ${membership.mesh}, or name the key with --admin-key`,
    )
  if (adminKey.publicKey !== membership.adminKey)
    throw new WarrenError(
      'MESH_CONFLICT',
      `${file} is the admin key of another mesh than ${membership.mesh}, in which this node is`,
    )
  return { ...mesh, adminKey }
}
