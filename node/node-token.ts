import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { WarrenError } from './errors.ts'
import { fromBase64url } from './trust/base64url.ts'
import { createSecretFile, readSecretFile } from './trust/secret-file.ts'

/** What whoever may see more than counts has to know. */
export interface NodeToken {
  /** 32 random bytes in base64url. */
  readonly value: string
  readonly file: string
}

const BYTES = 32

/** The token of the node on this data folder, made if there is none. Throws SECRET_EXPOSED or STORE_UNUSABLE. */
export function loadNodeToken(data: string): NodeToken {
  // Another process may be faster; then its token is there to be read.
  return readNodeToken(data) ?? make(data) ?? loadNodeToken(data)
}

/** The same, but undefined when there is none. */
export function readNodeToken(data: string): NodeToken | undefined {
  const file = fileIn(data)
  const value = readSecretFile(file)?.trim()
  if (value === undefined) return undefined
  if (fromBase64url(value)?.length !== BYTES)
    throw new WarrenError('STORE_UNUSABLE', `${file} is no node token: remove it, and the next start of the node makes one`)
  return { value, file }
}

function make(data: string): NodeToken | undefined {
  const token = { value: randomBytes(BYTES).toString('base64url'), file: fileIn(data) }
  return createSecretFile(token.file, `${token.value}\n`) ? token : undefined
}

function fileIn(data: string): string {
  return join(data, 'node.token')
}
