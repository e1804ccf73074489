import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { Config } from '../../../../node/config/schema.ts'
import { WarrenError } from '../../../../node/errors.ts'
import { toMultiaddr } from '../../../../node/member-address.ts'
import { ownAddresses } from '../../../../node/own-addresses.ts'
import { createMesh, SEED_LIFETIME } from '../../../../node/trust/membership.ts'
import { MeshFolder } from '../../../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../../../node/trust/node-key.ts'
import { memberAddress } from '../../address-option.ts'
import { UsageError } from '../../exit-codes.ts'
import { formatDay } from '../../format.ts'
import { aligned, styled, writeLines } from '../../print.ts'
import { loadSettings, type SettingFlags } from '../../settings.ts'

export interface CreateOptions extends SettingFlags {
  readonly address?: readonly string[]
  readonly adminKey?: string
  readonly json?: boolean
}

/** Creates a mesh with the node of the data folder as its first seed. Throws MESH_CONFLICT when it is in one already. */
export function create(options: CreateOptions): void {
  const { config } = loadSettings(options)
  const now = Date.now()
  const folder = new MeshFolder(config.data)
  const before = folder.membership()
  if (before)
    throw new WarrenError(
      'MESH_CONFLICT',
      `this node is in mesh ${before.mesh} already; «warren mesh leave» takes it out, or choose another data folder with --data`,
    )
  const keyFile = options.adminKey === undefined ? folder.adminKeyFile : resolve(options.adminKey)
  // Made anew it would be a folder of this disk where a stick was meant that is not mounted.
  if (options.adminKey !== undefined && !existsSync(dirname(keyFile)))
    throw new UsageError(`--admin-key: there is no folder ${dirname(keyFile)}: make it, or mount what it is on`)
  const { peerId: peer } = loadNodeKey(config.data)
  const addresses = addressesFor(options.address, config.mesh, peer)
  const { membership, adminKey } = createMesh({ peer, addresses, now })
  // First the key: a mesh without one is of no use, a key without a mesh is only a file.
  folder.writeAdminKey(adminKey, keyFile)
  folder.writeMembership(membership)
  const facts = {
    mesh: membership.mesh,
    peer,
    role: 'seed',
    notAfter: now + SEED_LIFETIME,
    addresses: membership.addresses,
    adminKey: keyFile,
  }
  writeLines(process.stdout, options.json ? [JSON.stringify(facts, null, 2)] : createdLines(facts))
}

interface Created {
  readonly mesh: string
  readonly peer: string
  readonly notAfter: number
  readonly addresses: readonly string[]
  readonly adminKey: string
}

function createdLines({ mesh, peer, notAfter, addresses, adminKey }: Created): string[] {
  const found = addresses.length > 0 ? addresses : ['none is known; give some with «warren mesh ticket --address»']
  const rows = [
    ['mesh', mesh],
    ['role', `seed, until ${formatDay(notAfter)}`],
    ['peer', peer],
    ...found.map((address, at) => [at === 0 ? 'address' : '', address]),
    ['admin key', adminKey],
  ]
  return [
    ...aligned(rows, { decorate: (cell, _row, column) => (column === 0 ? styled(process.stdout, 'dim', cell) : cell) }),
    '',
    'Keep a copy of the admin key where nobody else can read it: without it no further machine can be let in.',
    'Next: «warren mesh ticket» prints a ticket for other machines. A running node takes the mesh over by itself.',
  ]
}

function addressesFor(given: readonly string[] = [], mesh: Config['mesh'], peer: string): string[] {
  if (given.length > 0) return given.map((text) => memberAddress(text, peer))
  if (mesh.listen.port === 0)
    throw new UsageError('mesh.listen has port 0, which is another one each time: set a port, or give --address')
  return ownAddresses({ ...mesh, interfaces: networkInterfaces() }).map((address) => toMultiaddr({ ...address, peer }))
}
