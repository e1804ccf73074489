import { describe, expect, it } from 'vitest'
import { generateKey } from '../../../node/trust/keys.ts'
import { decodeOperatorKey, encodeOperatorKey } from '../../../node/trust/operator-key.ts'
import { mesh, operatorOf } from '../ledger/fixture.ts'
import { refusal, reveals } from './fixture.ts'

const { key, cert } = operatorOf()
const { adminKey } = mesh.membership
const ENCODED = encodeOperatorKey({ key, text: cert }, adminKey)
const PREFIX = 'warren-operator-1.'

const altered = (change: (fields: Record<string, unknown>) => object) => {
  const fields = JSON.parse(Buffer.from(ENCODED.slice(PREFIX.length), 'base64url').toString())
  return PREFIX + Buffer.from(JSON.stringify(change(fields))).toString('base64url')
}

describe('an operator key', () => {
  it('is one line, from which key and certificate come back', () => {
    expect(ENCODED).toMatch(/^warren-operator-1\.[\w-]+$/)
    const decoded = decodeOperatorKey(`\n${ENCODED} \n`)
    expect([decoded.key.publicKey, decoded.text, decoded.certificate.name]).toEqual([key.publicKey, cert, 'ada'])
  })

  it.each([
    ['that is none', 'warren-ticket-1.abc', 'this is no operator key'],
    ['of a later version', ENCODED.replace('-1.', '-2.'), 'has version 2'],
    ['that is cut off', ENCODED.slice(0, -9), 'is cut off'],
    ['without its end', PREFIX, 'is cut off'],
    ['with a field more', altered((fields) => ({ ...fields, more: 1 })), 'is damaged'],
    [
      'with another key',
      altered((fields) => ({ ...fields, key: generateKey().seed.toString('base64url') })),
      'not the one that its certificate names',
    ],
    ['of another mesh', altered((fields) => ({ ...fields, adminKey: generateKey().publicKey })), 'its signature is wrong'],
    ['that is endless', PREFIX + 'A'.repeat(100_000), 'is cut off'],
  ])('%s is refused, and says nothing of what is secret in it', (_, text, message) => {
    const error = refusal('OPERATOR_INVALID', () => decodeOperatorKey(text))
    expect(error.message).toContain(message)
    expect(reveals(error.message, key.seed.toString('base64url'))).toBe(false)
  })
})
