import { Writable } from 'node:stream'
import { inspect, isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Secret } from '../../node/secret.ts'

const secret = new Secret('hunter2')

test('a secret is told to whoever asks for it by name only', () => {
  expect(secret.reveal()).toBe('hunter2')
  const written: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  pino(sink).info({ secret, deep: { list: [secret] } }, `${secret}`)
  const ways = [
    String(secret),
    `${secret}`,
    `${[secret]}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
    inspect(Object.freeze(secret), { customInspect: false, showHidden: true }),
    JSON.stringify(Object.entries(secret)),
    written.join(),
  ]
  for (const way of ways) {
    expect(way).not.toContain('hunter2')
    expect(way.length).toBeGreaterThan(0)
  }
  expect(JSON.stringify({ secret })).toBe('{"secret":"(not shown)"}')
})

test('two secrets are equal to others exactly when their texts are', () => {
  expect(isDeepStrictEqual({ a: secret }, { a: new Secret('hunter2') })).toBe(true)
  expect(isDeepStrictEqual({ a: secret }, { a: new Secret('hunter3') })).toBe(false)
})
