import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf, WarrenError } from '../errors.ts'
import { keyFromPem, keyToPem, type SigningKey } from './keys.ts'
import { type Membership, membershipSchema } from './membership.ts'
import { createSecretFile, readSecretFile, writeSecretFile } from './secret-file.ts'
import { readVersioned } from './versioned.ts'

const MEMBERSHIP = 'membership.json'
const ADMIN_KEY = 'admin.key'

/** What a node keeps of its mesh: `<data>/mesh`. Every method may throw SECRET_EXPOSED or STORE_UNUSABLE. */
export class MeshFolder {
  readonly path: string
  /** Where the admin key is, unless its owner keeps it elsewhere. */
  readonly adminKeyFile: string

  /** @param data the data folder of the node */
  constructor(data: string) {
    this.path = join(data, 'mesh')
    this.adminKeyFile = join(this.path, ADMIN_KEY)
  }

  /** Undefined while the node is in no mesh. Throws MESH_UNREADABLE when the file is broken or of a newer Warren. */
  membership(): Membership | undefined {
    const path = join(this.path, MEMBERSHIP)
    const text = readSecretFile(path)
    if (text === undefined) return undefined
    const reading = readVersioned(text, membershipSchema)
    if (reading.problem === undefined) return reading.value
    throw new WarrenError(
      'MESH_UNREADABLE',
      `${path} cannot be used: ${reading.problem}. Put the right file back, or leave the mesh (warren mesh leave) and join it anew`,
    )
  }

  /** Throws MESH_UNREADABLE for one that could not be read again. */
  writeMembership(membership: Membership): void {
    const text = `${JSON.stringify(membership, null, 2)}\n`
    const { problem } = readVersioned(text, membershipSchema)
    if (problem !== undefined) throw new WarrenError('MESH_UNREADABLE', `the membership cannot be kept: ${problem}`)
    writeSecretFile(join(this.path, MEMBERSHIP), text)
  }

  /** The secret key of the mesh; undefined when it is not here. Throws MESH_UNREADABLE when the file is broken. */
  adminKey(path: string = this.adminKeyFile): SigningKey | undefined {
    const pem = readSecretFile(path)
    if (pem === undefined) return undefined
    const key = keyFromPem(pem)
    if (!key) throw new WarrenError('MESH_UNREADABLE', `${path} is no Ed25519 key in PEM: put the right file back`)
    return key
  }

  /** Never replaces the key of another mesh, which may be the only copy: throws MESH_CONFLICT instead. */
  writeAdminKey(key: SigningKey, path: string = this.adminKeyFile): void {
    if (createSecretFile(path, keyToPem(key)) || this.adminKey(path)?.publicKey === key.publicKey) return
    throw new WarrenError('MESH_CONFLICT', `${path} is the admin key of another mesh: move it to a safe place first`)
  }

  /** Removes everything but the admin key: that is still needed by a mesh that goes on, and nobody can make it again. */
  leave(): void {
    try {
      // First of all what makes a member, so that a leave that is broken off has happened.
      rmSync(join(this.path, MEMBERSHIP), { force: true })
      if (!existsSync(this.path)) return
      for (const name of readdirSync(this.path)) {
        if (name !== ADMIN_KEY) rmSync(join(this.path, name), { recursive: true, force: true })
      }
    } catch (error) {
      throw new WarrenError('STORE_UNUSABLE', `${this.path} cannot be emptied: ${reasonOf(error)}`, { cause: error })
    }
  }
}
