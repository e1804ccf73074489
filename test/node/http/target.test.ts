import { expect, test } from 'vitest'
import { settleTarget } from '../../../node/http/target.ts'

/** Target and Host after settling. */
function settled(url: string, host = 'localhost', socket: object = {}): [string, string] {
  const request = { url, headers: { host }, socket }
  settleTarget(request as never)
  return [request.url, request.headers.host]
}

test.each([
  ['/a?b', ['/a?b', 'localhost']],
  ['//evil.example.test/a', ['//evil.example.test/a', 'localhost']],
  ['http://other.example.test/a?b#c', ['/a?b#c', 'other.example.test']],
  ['HTTP://Other.Example.Test:80/a', ['/a', 'Other.Example.Test:80']],
  ['http://other.example.test', ['/', 'other.example.test']],
  ['http://other.example.test?x=/y', ['/?x=/y', 'other.example.test']],
  ['http://user@other.example.test/a', ['/a', 'user@other.example.test']],
  ['http://[::1]:7470/a', ['/a', '[::1]:7470']],
  ['http:///a', ['/a', '']],
  ['http://other.example.test/http://localhost/a', ['/http://localhost/a', 'other.example.test']],
  ['https://localhost/a', ['https://localhost/a', 'localhost']],
  ['ftp://localhost/a', ['ftp://localhost/a', 'localhost']],
  ['http:/localhost/a', ['http:/localhost/a', 'localhost']],
  ['localhost:7470', ['localhost:7470', 'localhost']],
  ['*', ['*', 'localhost']],
])('%s becomes %j', (url, wanted) => {
  expect(settled(url)).toEqual(wanted)
})

test('over TLS it is https that is ours', () => {
  const tls = { encrypted: true }
  expect(settled('https://other.example.test/a', 'localhost', tls)).toEqual(['/a', 'other.example.test'])
  expect(settled('http://other.example.test/a', 'localhost', tls)).toEqual(['http://other.example.test/a', 'localhost'])
})
