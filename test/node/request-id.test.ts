import { expect, test } from 'vitest'
import { requestFields } from '../../node/log.ts'
import { currentRequestId, inRequest, requestIdOf } from '../../node/request-id.ts'

const PLAIN = /^[\w.-]{1,64}$/

test.for([['ci-42'], ['a.b_C-9'], ['x'.repeat(64)]] as const)('a request that calls itself %s is called so', ([id]) => {
  expect(requestIdOf({ headers: { 'x-request-id': id } })).toBe(id)
})

test.for([[''], ['x'.repeat(65)], ['a b'], ['a\nlevel=60'], ['../etc'], ['ä'], ['"'], [['a', 'b']], [undefined]] as const)(
  'one that calls itself %j gets a name',
  ([id]) => {
    const name = requestIdOf({ headers: { 'x-request-id': id } })
    expect(name).toMatch(PLAIN)
    expect(name).not.toBe(id)
  },
)

test('a request has one name, and no other request has it', () => {
  const [one, other] = [{ headers: {} }, { headers: {} }]
  expect(requestIdOf(one)).toBe(requestIdOf(one))
  expect(requestIdOf(other)).not.toBe(requestIdOf(one))
})

test('what is done for a request knows its name later, too, and what is done for none has none', async () => {
  const seen = await inRequest('a', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return [currentRequestId(), inRequest('b', currentRequestId), requestFields()]
  })
  expect(seen).toEqual(['a', 'b', { request: 'a' }])
  expect([currentRequestId(), requestFields()]).toEqual([undefined, {}])
})
