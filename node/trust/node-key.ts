import { join } from 'node:path'
import { WarrenError } from '../errors.ts'
import { generateKey, keyFromPem, keyToPem, peerIdOf, type SigningKey } from './keys.ts'
import { createSecretFile, readSecretFile } from './secret-file.ts'

export type NodeKey = SigningKey & { readonly peerId: string }

/**
 * The key that makes a node the same one after a restart: `<data>/node.key`, made on first use. A broken one is never replaced:
 * every certificate of the node names it.
 *
 * Throws MESH_UNREADABLE, SECRET_EXPOSED or STORE_UNUSABLE.
 */
export function loadNodeKey(data: string): NodeKey {
  const path = join(data, 'node.key')
  const pem = readSecretFile(path) ?? make(path)
  const key = keyFromPem(pem)
  if (!key) {
    throw new WarrenError(
      'MESH_UNREADABLE',
      `${path} is no Ed25519 key in PEM: put the right file back, or remove it and join the mesh anew as another node`,
    )
  }
  return Object.assign(key, { peerId: peerIdOf(key.publicKey) })
}

function make(path: string): string {
  const pem = keyToPem(generateKey())
  if (createSecretFile(path, pem)) return pem
  // Another process was faster: both have to be the same node.
  return readSecretFile(path) ?? ''
}
