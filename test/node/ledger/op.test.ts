import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inOrder, type Op, openOp } from '../../../node/ledger/op.ts'
import { generateKey } from '../../../node/trust/keys.ts'
import { MAX_STATEMENT_CHARS, signStatement } from '../../../node/trust/statement.ts'
import { refusal } from '../trust/fixture.ts'
import { mesh, opWith, scope } from './fixture.ts'

const refused = (text: string) => refusal('UNTRUSTED', () => openOp(text, scope)).message

/** What `opWith` signs, as somebody signs it who does not care what belongs into it. */
function signed(fields: Record<string, unknown>, kind = 'op'): string {
  const { text: _text, hash: _hash, ...usual } = opWith()
  return signStatement(kind, { ...usual, ...fields }, mesh.adminKey)
}

describe('an op', () => {
  it('is read as it was signed, and is called by the hash of its text', () => {
    const op = opWith({ type: 'some.new-type', body: { list: [1, { deep: 'yes' }] } })
    expect(openOp(op.text, scope)).toEqual(op)
    expect(op.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(op.text.length).toBeLessThan(MAX_STATEMENT_CHARS / 2)
  })

  it.each<[string, () => string, string]>([
    [
      'signed by another key in its author’s name',
      () => signStatement('op', { ...opWith(), author: mesh.membership.adminKey }, generateKey()),
      'its signature is wrong',
    ],
    ['whose author is not the admin', () => opWith({}, generateKey()).text, 'may not issue «ticket.revoke»'],
    ['of another mesh', () => opWith({ mesh: 'f'.repeat(16) }).text, 'it is of mesh ffffffffffffffff'],
    ['that was signed as something else', () => signed({}, 'seed'), 'its signature is wrong'],
    ['of a newer version', () => signed({ v: 2 }), 'a newer Warren made it'],
    ['without an author', () => signed({ author: undefined }), 'field «author»'],
    ['with an author that is no key', () => signed({ author: 'me' }), 'field «author»'],
    ['with a number below the first', () => signed({ seq: 0 }), 'field «seq»'],
    ['with a time beyond all others', () => signed({ lamport: 2 ** 49 }), 'field «lamport»'],
    ['with a type that would draw on a terminal', () => signed({ type: '\u001b[2J' }), 'field «type»'],
    ['with an endless type', () => signed({ type: 'a'.repeat(65) }), 'field «type»'],
    ['with a body that is none', () => signed({ body: 7 }), 'field «body»'],
    ['with a field too many', () => signed({ more: 1 }), 'other fields than it should'],
    ['that is too long', () => signed({ body: { text: 'x'.repeat(8_000) } }), 'longer than 8192 characters'],
    ['in another spelling', () => `${opWith().text}=`, 'not two parts of base64url'],
    ['that is none', () => '', 'not two parts of base64url'],
  ])('%s is refused', (_, make, message) => {
    expect(refused(make())).toContain(message)
  })

  it('is refused whatever it is that is none', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String().map((some) => `${some}.${some}`),
      fc.json().map((json) => `${Buffer.from(json).toString('base64url')}.AA`),
    )
    fc.assert(
      fc.property(text, (some) => {
        expect(refused(some)).toContain('the op is not accepted')
      }),
      { seed: 6, numRuns: 500 },
    )
  })
})

describe('the order of ops', () => {
  const all = [opWith({ lamport: 1 }), opWith({ lamport: 2 }), opWith({ lamport: 2, seq: 2 }), opWith({ lamport: 10 })]
  const signs = (ops: readonly Op[]) => ops.map(({ lamport }) => lamport)

  it('goes by Lamport time, and among equals is the same whoever sorts them', () => {
    const sorted = [...all].sort(inOrder)
    expect(signs(sorted)).toEqual([1, 2, 2, 10])
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(shuffled.sort(inOrder)).toEqual(sorted)
      }),
      { seed: 7, numRuns: 50 },
    )
  })
})
