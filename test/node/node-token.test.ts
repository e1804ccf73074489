import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadNodeToken, readNodeToken } from '../../node/node-token.ts'
import { useTempFolders } from '../harness/temp.ts'

const folders = useTempFolders()

test('the token is made once, for this user alone', () => {
  const data = folders.path('data')
  expect(readNodeToken(data)).toBeUndefined()
  const token = loadNodeToken(data)
  const file = join(data, 'node.token')
  expect(token).toEqual({ file, value: expect.stringMatching(/^[\w-]{43}$/) })
  expect(readFileSync(file, 'utf8')).toBe(`${token.value}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(loadNodeToken(data)).toEqual(token)
  expect(readNodeToken(data)).toEqual(token)
})

test('each node has another one', () => {
  expect(loadNodeToken(folders.create()).value).not.toBe(loadNodeToken(folders.create()).value)
})

test.for(['', 'secret\n', `${'x'.repeat(44)}\n`])('%j is refused rather than taken for a token', (text) => {
  const data = folders.create()
  writeFileSync(join(data, 'node.token'), text, { mode: 0o600 })
  expect(() => loadNodeToken(data)).toThrowError(
    expect.objectContaining({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(`${data}/node.token is no node token`),
    }),
  )
})

test('a token that others may have read is refused', () => {
  const data = folders.create()
  loadNodeToken(data)
  chmodSync(join(data, 'node.token'), 0o644)
  expect(() => loadNodeToken(data)).toThrowError(expect.objectContaining({ code: 'SECRET_EXPOSED' }))
})
