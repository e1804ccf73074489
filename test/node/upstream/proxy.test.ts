import { describe, expect, it } from 'vitest'
import { type Env, ProxyTable } from '../../../node/upstream/proxy.ts'

function proxyFor(env: Env, url: string): string | undefined {
  return new ProxyTable(env).proxyFor(new URL(url))?.href
}

describe('which proxy is used', () => {
  it.each([
    [{ HTTPS_PROXY: 'http://p:1' }, 'https://x.test', 'http://p:1/'],
    [{ HTTPS_PROXY: 'http://p:1' }, 'http://x.test', undefined],
    [{ HTTP_PROXY: 'http://p:1' }, 'http://x.test', 'http://p:1/'],
    [{ HTTP_PROXY: 'http://p:1' }, 'https://x.test', undefined],
    [{ HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' }, 'https://x.test', 'http://lower:1/'],
    [{ https_proxy: '', HTTPS_PROXY: 'http://upper:1' }, 'https://x.test', 'http://upper:1/'],
    [{ https_proxy: 'p:3128' }, 'https://x.test', 'http://p:3128/'],
    [{ https_proxy: 'https://user:pass@p' }, 'https://x.test', 'https://user:pass@p/'],
    [{}, 'https://x.test', undefined],
  ] satisfies [Env, string, string | undefined][])('with %o for %s: %s', (env, url, proxy) => {
    expect(proxyFor(env, url)).toBe(proxy)
  })

  it.each([
    ['*', 'https://x.test', true],
    ['x.test', 'https://x.test', true],
    ['X.Test', 'https://x.test', true],
    ['x.test', 'https://a.x.test', true],
    ['.x.test', 'https://a.x.test', true],
    ['.x.test', 'https://x.test', true],
    ['*.x.test', 'https://a.x.test', true],
    ['x.test', 'https://notx.test', false],
    ['x.test', 'https://x.test.evil.test', false],
    ['x.test', 'https://x.test.', true],
    ['x.test:8443', 'https://x.test:8443', true],
    ['x.test:8443', 'https://x.test', false],
    ['x.test:443', 'https://x.test', true],
    ['*:8443', 'https://x.test:8443', true],
    ['a.test, b.test c.test', 'https://c.test', true],
    ['127.0.0.1', 'https://127.0.0.1:1', true],
    ['127.0.0.1:1', 'https://127.0.0.1:2', false],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['0.0.1', 'https://127.0.0.1', false],
    ['::1', 'https://[::1]', true],
    ['[::1]:443', 'https://[::1]', true],
    ['0:0::1', 'https://[::1]', true],
    ['fd00::/8', 'https://[fd12::1]', true],
    ['fd00::/8', 'https://10.0.0.1', false],
    ['', 'https://x.test', false],
    [',,', 'https://x.test', false],
    ['nonsense/99', 'https://10.0.0.1', false],
  ])('NO_PROXY=%s excepts %s: %s', (list, url, excepted) => {
    for (const name of ['NO_PROXY', 'no_proxy']) {
      expect(proxyFor({ HTTPS_PROXY: 'http://p:1', [name]: list }, url) === undefined).toBe(excepted)
    }
  })

  it.each(['socks5://p:1', 'ftp://p', 'http://', 'http://user:secret@:99999'])(
    'refuses %s as a configuration error',
    (value) => {
      const make = () => new ProxyTable({ HTTPS_PROXY: value })
      expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
      expect(make).not.toThrow(/secret/)
    },
  )
})
