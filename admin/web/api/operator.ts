import { ask, query } from './client.ts'

/** What an operator key begins with (`warren operator add`). */
const PREFIX = 'warren-operator-1.'
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]

export interface Operator {
  readonly name: string
  /** Areas in which its ops count. */
  readonly scope: readonly string[]
  /** Ms since the epoch. */
  readonly notAfter: number
  /** Signs a change as the command line does (`node/ledger/op.ts`). */
  sign(type: string, body: object): Promise<string>
}

interface Certificate extends Pick<Operator, 'name' | 'scope' | 'notAfter'> {
  readonly mesh: string
  readonly key: string
}

interface Position {
  readonly seq: number
  readonly prev: string | null
  readonly lamport: number
}

/** Reads an operator key. It stays in the memory of this page, and can not be read out of the browser's key any more. */
export async function readOperator(text: string): Promise<Operator> {
  if (!crypto.subtle) throw new Error('this browser signs on https and on this machine only: use «warren» on the command line')
  const { certificate, key } = parse(text)
  const { mesh, key: author, name, scope, notAfter } = JSON.parse(decode(certificate.split('.')[0] ?? '')) as Certificate
  const pkcs8 = new Uint8Array([...PKCS8, ...fromBase64url(key)])
  const signing = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  return {
    ...{ name, scope, notAfter },
    async sign(type, body) {
      const { seq, prev, lamport } = await ask<Position>('GET', `ops/position?${query({ author })}`)
      const said = { v: 1, author, mesh, seq, prev, lamport, issuedAt: Date.now(), type, body, cert: certificate }
      const payload = new TextEncoder().encode(JSON.stringify(said))
      const signed = new Uint8Array([...new TextEncoder().encode('warren op v1\n'), ...payload])
      const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', signing, signed))
      return `${toBase64url(payload)}.${toBase64url(signature)}`
    },
  }
}

function parse(text: string): { certificate: string; key: string } {
  const trimmed = text.trim()
  try {
    if (trimmed.startsWith(PREFIX)) return JSON.parse(decode(trimmed.slice(PREFIX.length)))
  } catch {
    throw new Error('the operator key is damaged')
  }
  throw new Error(`this is no operator key: one begins with ${PREFIX}`)
}

function decode(text: string): string {
  return new TextDecoder().decode(fromBase64url(text))
}

function fromBase64url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (one) => one.charCodeAt(0))
}

function toBase64url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (one) => String.fromCharCode(one)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
