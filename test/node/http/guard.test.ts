import { expect, test } from 'vitest'
import { BaseUrl } from '../../../node/http/base-url.ts'
import { Guard } from '../../../node/http/guard.ts'
import { HostAllowList } from '../../../node/http/hosts.ts'

const guard = new Guard({
  hosts: new HostAllowList({ hosts: ['warren.example.test'], listen: ['127.0.0.1'] }),
  baseUrl: new BaseUrl({ publicUrl: 'https://warren.example.test/cache', trustedProxies: [] }),
})

/** What becomes of a request with these header lines, as Node hands them over: the first Host stands in `headers`. */
function verdict(lines: readonly (readonly [string, string])[], httpVersionMinor = 1): string {
  const headers: Record<string, string> = {}
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value
  const request = { headers, rawHeaders: lines.flat(), httpVersionMinor, socket: {} }
  try {
    guard.check(request as never)
    return 'welcome'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

test.each([
  [[['Host', 'localhost']], 'welcome'],
  [[['HOST', 'warren.example.test:7470']], 'welcome'],
  [[['Host', 'evil.example.test']], 'FOREIGN_HOST'],
  [[['Host', '']], 'FOREIGN_HOST'],
  [[], 'FOREIGN_HOST'],
  [
    [
      ['Host', 'localhost'],
      ['hOsT', 'localhost'],
    ],
    'BAD_REQUEST',
  ],
  [
    [
      ['Host', 'localhost'],
      ['Accept', '*/*'],
      ['Host', 'evil.example.test'],
    ],
    'BAD_REQUEST',
  ],
  [
    [
      ['Host', 'evil.example.test'],
      ['Host', 'localhost'],
    ],
    'FOREIGN_HOST',
  ],
  [
    [
      ['Accept', 'host'],
      ['Host', 'localhost'],
      ['X-Host', 'evil.example.test'],
    ],
    'welcome',
  ],
] as const)('%j over HTTP/1.1 is %s', (lines, wanted) => {
  expect(verdict(lines)).toBe(wanted)
})

test('HTTP/1.0 may leave Host out, but not lie in it, and not come from a page', () => {
  expect(verdict([], 0)).toBe('welcome')
  expect(verdict([['Host', 'evil.example.test']], 0)).toBe('FOREIGN_HOST')
  expect(verdict([['Origin', 'http://localhost']], 0)).toBe('FOREIGN_ORIGIN')
})

test.each([
  ['http://localhost:7470', 'welcome'],
  ['https://localhost:7470', 'welcome'],
  ['HTTP://localhost:7470', 'FOREIGN_ORIGIN'],
  ['http://LOCALHOST:7470', 'welcome'],
  ['https://warren.example.test', 'welcome'],
  ['http://warren.example.test', 'FOREIGN_ORIGIN'],
  ['https://warren.example.test/cache', 'FOREIGN_ORIGIN'],
  ['http://localhost', 'FOREIGN_ORIGIN'],
  ['http://localhost:7471', 'FOREIGN_ORIGIN'],
  ['http://localhost:7470.evil.example.test', 'FOREIGN_ORIGIN'],
  ['http://localhost:7470@evil.example.test', 'FOREIGN_ORIGIN'],
  ['http://evil.example.test#//localhost:7470', 'FOREIGN_ORIGIN'],
  ['chrome-extension://localhost:7470', 'FOREIGN_ORIGIN'],
  ['localhost:7470', 'FOREIGN_ORIGIN'],
  ['null', 'FOREIGN_ORIGIN'],
  ['', 'FOREIGN_ORIGIN'],
])('a request of a page from «%s» is %s', (origin, wanted) => {
  const lines = [
    ['Host', 'localhost:7470'],
    ['Origin', origin],
  ] as const
  expect(verdict(lines)).toBe(wanted)
})

test.each([
  ['cross-site', 'no-cors', 'FOREIGN_ORIGIN'],
  ['cross-site', 'cors', 'FOREIGN_ORIGIN'],
  ['cross-site', 'navigate', 'welcome'],
  ['same-origin', 'no-cors', 'welcome'],
  ['none', 'navigate', 'welcome'],
])('what a browser fetches for a page, %s and %s, is %s', (site, mode, wanted) => {
  const lines = [
    ['Host', 'localhost:7470'],
    ['Sec-Fetch-Site', site],
    ['Sec-Fetch-Mode', mode],
  ] as const
  expect(verdict(lines)).toBe(wanted)
})

test('what is foreign is quoted in plain ASCII, and not at length', () => {
  const host = `\u001b[31m\u00e9"${'x'.repeat(500)}`
  const request = { headers: { host }, rawHeaders: ['Host', host], httpVersionMinor: 1, socket: {} }
  expect(() => guard.check(request as never)).toThrow(/^this node is not known as «\?\[31m\?"x{93}»: use localhost, or/)
})
