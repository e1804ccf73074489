import { describe, expect, test } from 'vitest'
import { chooseVariant } from '../../../protocols/npm/accept.ts'

const NPM = 'application/vnd.npm.install-v1+json'

describe('the abbreviated document goes to who', () => {
  test.each([
    [`${NPM}; q=1.0, application/json; q=0.8, */*`],
    [NPM],
    [`${NPM}, application/json`],
    [`application/json;q=0.5,${NPM};q=0.5`],
    [`${NPM};q=0.001`],
    [`APPLICATION/VND.NPM.INSTALL-V1+JSON;Q=0.9, application/*;q=0.8`],
    [`application/json;profile="a,${NPM};q=0";q=0.1, ${NPM}`],
  ])('asks «%s»', (accept) => {
    expect(chooseVariant(accept)).toBe('abbreviated')
  })

  test('asks for it in the second of two headers', () => {
    expect(chooseVariant(['application/json;q=0.5', NPM])).toBe('abbreviated')
  })
})

describe('the full document goes to who', () => {
  test.each([
    [undefined],
    [''],
    ['*/*'],
    ['application/*'],
    ['application/json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8'],
    [`application/json, ${NPM};q=0.9`],
    [`*/*, ${NPM};q=0.9`],
    [`application/*;q=0.9, ${NPM};q=0.8`],
    [`${NPM};q=0`],
    [`${NPM};q=0.000, */*;q=0`],
    [`${NPM};q=2`],
    [`${NPM};q=abc`],
    [`text/plain;x="a,${NPM},b"`],
    [`${'text/plain,'.repeat(1000)}${NPM}`],
    // A quote that never ends takes the rest along, with a backslash at the very end too.
    [`text/plain;x="a, ${NPM}`],
    [`text/plain;x="a\\", ${NPM}`],
    [`text/plain;x="a\\", ${NPM}\\`],
  ])('asks %j', (accept) => {
    expect(chooseVariant(accept)).toBe('full')
  })
})
