import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { generateKey } from '../../../node/trust/keys.ts'
import { MAX_STATEMENT_CHARS, openStatement, signStatement } from '../../../node/trust/statement.ts'
import { refusal } from './fixture.ts'

const schema = z.strictObject({ v: z.literal(1), name: z.string() })
const key = generateKey()
const good = signStatement('trial', { v: 1, name: 'x' }, key)
const [payload = '', signature = ''] = good.split('.')

const open = (text: string, kind = 'trial', publicKey = key.publicKey) => openStatement(kind, text, publicKey, schema)
const reasonFor = (text: string, kind?: string, publicKey?: string) =>
  refusal('UNTRUSTED', () => open(text, kind, publicKey)).message

/** A statement with exactly this payload, rightly signed. */
function signed(json: string): string {
  const bytes = Buffer.from(json)
  const proof = key.sign(Buffer.concat([Buffer.from('warren trial v1\n'), bytes]))
  return `${bytes.toString('base64url')}.${proof.toString('base64url')}`
}

describe('a statement', () => {
  it('says what was signed', () => {
    expect(open(good)).toEqual({ v: 1, name: 'x' })
    expect(signed('{"v":1,"name":"x"}')).toBe(good)
  })

  it('says the same for any content that fits', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100, unit: 'binary' }), (name) => {
        const wellFormed = name.toWellFormed()
        expect(open(signStatement('trial', { v: 1, name: wellFormed }, key))).toEqual({ v: 1, name: wellFormed })
      }),
    )
  })

  it('is nothing under another kind or another key', () => {
    expect(reasonFor(good, 'trail')).toMatch('the trail certificate is not accepted: its signature is wrong')
    expect(reasonFor(good, 'trial v1\n')).toMatch('signature')
    expect(reasonFor(good, 'trial', generateKey().publicKey)).toMatch('its signature is wrong')
    expect(reasonFor(good, 'trial', '')).toMatch('its signature is wrong')
  })

  it('is not accepted with the signature over the payload alone', () => {
    const bare = key.sign(Buffer.from(payload, 'base64url')).toString('base64url')
    expect(reasonFor(`${payload}.${bare}`)).toMatch('its signature is wrong')
  })

  it.each([
    ['nothing', ''],
    ['a dot', '.'],
    ['a payload alone', payload],
    ['a payload and a dot', `${payload}.`],
    ['a signature alone', `.${signature}`],
    ['three parts', `${good}.AAAA`],
    ['a dot at the end', `${good}.`],
    ['a space before', ` ${good}`],
    ['a line end', `${good}\n`],
    ['padding', `${payload}=.${signature}`],
    ['padding of the signature', `${good}==`],
    ['the other alphabet', `${payload}.${'+/'.padEnd(86, 'A')}`],
    ['a NUL', `${payload}\0.${signature}`],
    ['spare bits set', good.slice(0, -1) + String.fromCharCode(good.charCodeAt(good.length - 1) + 1)],
  ])('has one spelling only: not with %s', (_name, text) => {
    expect(reasonFor(text)).toMatch(/two parts of base64url|its signature is wrong/)
  })

  it('is refused by its length before anything else is done with it', () => {
    expect(reasonFor('.'.repeat(10_000_000))).toMatch('longer than 2048 characters')
    expect(reasonFor(signed(JSON.stringify({ v: 1, name: 'x'.repeat(1500) })))).toMatch('longer than')
    const fits = signed(JSON.stringify({ v: 1, name: 'x'.repeat(1400) }))
    expect(fits.length).toBeLessThanOrEqual(MAX_STATEMENT_CHARS)
    expect(open(fits).name).toHaveLength(1400)
  })

  it.each([
    ['{"v":2,"name":"x"}', 'it has version 2: a newer Warren made it, this one knows version 1'],
    ['{"v":2,"else":[]}', 'version 2'],
    ['{"v":0,"name":"x"}', 'its field «v» is missing or malformed'],
    ['{"v":"2","name":"x"}', 'its field «v»'],
    ['{"v":1e999,"name":"x"}', 'its field «v»'],
    ['{"name":"x"}', 'its field «v»'],
    ['{"v":1}', 'its field «name»'],
    ['{"v":1,"name":"x","more":1}', 'other fields'],
    ['{"v":1,"name":"x","__proto__":{"a":1}}', 'other fields'],
    ['{"v":1,"__proto__":{"name":"x"}}', 'its field «name»'],
    ['[]', 'other fields'],
    ['null', 'other fields'],
    ['1', 'other fields'],
    ['"v"', 'other fields'],
    ['', 'it is not JSON'],
    ['{"v":1,"name":"x"', 'it is not JSON'],
    [`${'['.repeat(1400)}`, 'it is not JSON'],
    [`${'['.repeat(700)}${']'.repeat(700)}`, 'other fields'],
  ])('that is rightly signed and says %s is refused with the reason', (json, reason) => {
    if (json === '') return expect(reasonFor(signed(json))).toMatch(/not JSON/)
    expect(reasonFor(signed(json))).toMatch(reason)
  })

  it('with a key twice says what JSON.parse says, since the signer signed both', () => {
    expect(open(signed('{"v":1,"name":"x","name":"y"}'))).toEqual({ v: 1, name: 'y' })
  })

  it('is refused with any one character replaced, left out or put in', () => {
    const chars = [...'AZaz09-_.= \n\0é']
    for (let at = 0; at <= good.length; at++) {
      const [before, after, rest] = [good.slice(0, at), good.slice(at), good.slice(at + 1)]
      for (const char of chars) {
        reasonFor(before + char + after)
        if (char + rest !== after && at < good.length) reasonFor(before + char + rest)
      }
      if (at < good.length) reasonFor(before + rest)
    }
  })

  it('is refused, and by that code only, whatever the text is', () => {
    const alphabet = fc.string({ unit: fc.constantFrom(...'ABCxyz019-_.'), maxLength: 200 })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), alphabet), (text) => void reasonFor(text)),
      { numRuns: 2000 },
    )
  })

  it('that is rightly signed is refused by that code only, whatever its payload is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (json) => void reasonFor(signed(json))),
      {
        numRuns: 500,
      },
    )
  })
})
