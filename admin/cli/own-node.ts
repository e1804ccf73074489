import { readNodeFile } from '../../node/node-file.ts'
import { readNodeToken } from '../../node/node-token.ts'
import { ApiClient, type ShownToken } from './api-client.ts'

/** The token in a data folder, for the node on it and nobody else. Throws SECRET_EXPOSED. */
export function ownToken(data: string): ShownToken | undefined {
  const token = readNodeToken(data)
  return token && { value: token.value, proven: true }
}

/** The node on a data folder; undefined where none says where it is. What it says may have outlived it. Throws SECRET_EXPOSED. */
export function ownNode(data: string): ApiClient | undefined {
  const admin = readNodeFile(data)?.admin
  return admin === undefined ? undefined : new ApiClient(admin, ownToken(data))
}
