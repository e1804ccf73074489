import { describe, expect, test } from 'vitest'
import { CORP, hub, planned, SHA256 } from './fixtures.ts'

const LIST = '/v2/library/x/tags/list'

/** What a client gets that asked for `target`, when upstream sends `link`. */
function led(target: string, link: string): string | undefined {
  return planned(target).link?.(link)
}

/** Where it leads: the path, and the parameters in any order. */
function next(target: string, link: string): { path: string; parameters: Record<string, string> } {
  const [, reference = ''] = /^<([^<>]*)>; rel="?next"?$/.exec(led(target, link) ?? '') ?? []
  const url = new URL(reference, 'http://node.example.test')
  expect(url.origin).toBe('http://node.example.test')
  return { path: url.pathname, parameters: Object.fromEntries(url.searchParams) }
}

describe('the link to the next page', () => {
  test.each([
    `<https://registry-1.docker.io${LIST}?last=b&n=2>; rel="next"`,
    `<http://registry-1.docker.io:80${LIST}?last=b&n=2>; rel="next"`,
    `<${LIST}?n=2&last=b>; rel="next"`,
    `<${LIST}?n=2&last=b>;rel=next`,
    `<${LIST}?n=2&last=b>; rel="next"; title="more"`,
  ])('leads on: %s', (link) => {
    expect(next(`${LIST}?n=2`, link)).toEqual({ path: LIST, parameters: { n: '2', last: 'b' } })
  })

  test.each([
    [`/v2/library/x/tags/list?n=2&ns=docker.io`, LIST, { ns: 'docker.io' }],
    [`/v2/library/x/tags/list?ns=DOCKER.io&n=2`, LIST, { ns: 'DOCKER.io' }],
    ['/v2/docker.io/library/x/tags/list?n=2', '/v2/docker.io/library/x/tags/list', {}],
    ['/docker.io/v2/x/tags/list?n=2', '/docker.io/v2/x/tags/list', {}],
    ['/v2/x/tags/list', '/v2/x/tags/list', {}],
  ])('keeps the form in which the client asked: %s', (target, path, named) => {
    const link = `<https://registry-1.docker.io${LIST}?last=b&n=2>; rel="next"`
    expect(next(target, link)).toEqual({ path, parameters: { n: '2', last: 'b', ...named } })
  })

  test('keeps the prefix of a mount', () => {
    const target = '/mirror/corp/v2/org/app/tags/list?n=2'
    const link = `<${CORP}v2/org/app/tags/list?last=b&n=2>; rel="next"`
    expect(next(target, link)).toEqual({ path: '/mirror/corp/v2/org/app/tags/list', parameters: { n: '2', last: 'b' } })
  })

  test('brings back the page tokens of the registry, so that the next request is upstream’s own', () => {
    const token = 'gAAAAABm/+=='
    const link = `</v2/org/app/tags/list?n=50&next_page=${encodeURIComponent(token)}>; rel="next"`
    const { path, parameters } = next('/v2/org/app/tags/list?n=50&ns=quay.io', link)
    expect(parameters).toEqual({ n: '50', next_page: token, ns: 'quay.io' })
    const query = `?${new URLSearchParams(parameters)}`
    expect(Object.fromEntries(new URL(planned(path + query).plans[0].url).searchParams)).toEqual({ n: '50', next_page: token })
  })

  test('does not take the registry from upstream, which may be such a mirror itself', () => {
    expect(next(LIST, `<${LIST}?last=b&ns=quay.io>; rel="next"`).parameters).toEqual({ last: 'b' })
  })

  test('of referrers keeps what is wanted', () => {
    const path = `/v2/library/x/referrers/${SHA256}`
    const link = `<https://registry-1.docker.io${path}?artifactType=a%2Fb&token=t>; rel="next"`
    expect(next(`${path}?artifactType=a/b`, link)).toEqual({ path, parameters: { artifactType: 'a/b', token: 't' } })
  })

  test('of an upstream below a path leads on as well', () => {
    const on = [{ ...hub, upstreams: ['https://one.example.test/hub/'] }]
    const link = planned(`${LIST}?n=2`, { on }).link
    expect(link?.(`<https://one.example.test/hub${LIST}?last=b>; rel="next"`)).toMatch(/last=b/)
  })

  test.each([
    '',
    'nonsense',
    `<${LIST}?last=b>`,
    `<${LIST}?last=b>; rel="prev"`,
    `<${LIST}?last=b>; rel="last"`,
    `<${LIST}?last=b>; title="more"`,
    '</v2/library/y/tags/list?last=b>; rel="next"',
    '</v2/library/x/manifests/latest>; rel="next"',
    '<https://registry-1.docker.io/>; rel="next"',
    '<https://registry-1.docker.io/login>; rel="next"',
    `<${LIST}/../../../library/y/tags/list?last=b>; rel="next"`,
    '<javascript:alert(1)>; rel="next"',
    '<http://[>; rel="next"',
    `${'<'.repeat(10_000)}`,
    `<${'a'.repeat(100_000)}>; rel="next"`,
  ])('is left out when it leads to something else: %j', (link) => {
    expect(led(LIST, link)).toBeUndefined()
  })

  test.each([
    `<${LIST}?last=a%0d%0aX-Evil:%201>; rel="next"`,
    `<${LIST}?last=a"><b>; rel="next"`,
    `<${LIST}?last=ä>; rel="next"`,
  ])('brings nothing into the header that does not belong there: %j', (link) => {
    expect(led(LIST, link) ?? '<>; rel="next"').toMatch(/^<[^<>"\s]*>; rel="next"$/)
    expect(led(LIST, link) ?? '').toMatch(/^[ -~]*$/)
  })

  test('is there for lists only', () => {
    expect(planned('/v2/library/x/manifests/latest').link).toBeUndefined()
    expect(planned(`/v2/library/x/blobs/${SHA256}`).link).toBeUndefined()
  })
})
