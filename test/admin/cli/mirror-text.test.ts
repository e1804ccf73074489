import { expect, test } from 'vitest'
import { mirrorTexts } from '../../../admin/cli/mirror-text.ts'

const upstreams = ['https://a.test/', 'https://b.test/']

test.for([
  [{ upstreams }, ['https://a.test/ https://b.test/']],
  [{ upstreams: [] }, ['']],
  [{ upstreams, tarballUrls: 'rewrite' }, ['https://a.test/ https://b.test/']],
  [{ upstreams: ['u'], tarballUrls: 'preserve', lifetime: 90_000 }, ['u lifetime: 1 min 30 s tarballUrls: preserve']],
  [{ upstreams: ['u'], lifetime: 0 }, ['u lifetime: 0 s']],
  [{ upstreams: ['u'], lifetime: 500 }, ['u lifetime: 500 ms']],
  [{ upstreams: ['u'], fileHosts: [], sumdb: 'off' }, ['u fileHosts: none sumdb: off']],
  [
    { upstreams: ['u'], immutable: ['a/*', 'b'], mutable: ['c'], pins: { a: {}, b: {} } },
    ['u immutable: a/* b mutable: c pins: 2 files'],
  ],
  [{ upstreams: ['u'], authorities: [{ origin: 'https://a.test', file: '/ca.pem' }] }, ['u ca of https://a.test: /ca.pem']],
  [
    { upstreams: ['u'], routes: [{ pattern: '@a/*', upstream: 'https://c.test/' }, { pattern: '@b' }] },
    ['u', '@a/* only at https://c.test/', '@b nowhere'],
  ],
  [{ upstreams: [], routes: [{ pattern: 'a', upstream: 'v' }] }, ['(nowhere but as below)', 'a only at v']],
])('%j is shown as %j', ([mirror, texts]) => {
  expect(mirrorTexts(mirror as never)).toEqual(texts)
})
