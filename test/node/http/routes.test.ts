import type { IncomingHttpHeaders } from 'node:http'
import { expect, test } from 'vitest'
import { Mounts } from '../../../node/http/mounts.ts'
import { Routes } from '../../../node/http/routes.ts'
import { splitTarget } from '../../../node/http/target.ts'
import type { MirrorRequest, Protocol, Route } from '../../../protocols/protocol.ts'
import { mirrorAt, plain } from './fixture.ts'

/** Routes of a grammar that counts how often it is asked, and what for. */
function counting(route: (request: MirrorRequest) => Route = (request) => plain.route(request, mirrorAt('/m/').mirror)) {
  const asked: MirrorRequest[] = []
  const protocol: Protocol = {
    ...plain,
    route: (request) => {
      asked.push(request)
      return route(request)
    },
  }
  const routes = new Routes(new Mounts([mirrorAt('/m/', protocol)]))
  const of = (url: string, headers: IncomingHttpHeaders = {}, method = 'GET') => {
    const routed = routes.of({ url, method, headers } as never)
    return 'plans' in routed.route ? routed.route.plans[0].key : JSON.stringify(routed.route)
  }
  return { asked, of }
}

test('the same target is taken apart once', () => {
  const { asked, of } = counting()
  for (let i = 0; i < 3; i++) expect(of('/m/a', { accept: `type/${i}` })).toBe('a')
  expect(asked.map(({ path }) => path)).toEqual(['a'])
})

test('one that came once is taken apart again after many others, and from then on no more', () => {
  const { asked, of } = counting()
  const times = () => asked.filter(({ path }) => path === 'a').length
  const others = (name: string) => {
    for (let i = 0; i < 200; i++) of(`/m/${name}${i}`)
  }
  of('/m/a')
  others('b')
  expect(of('/m/a')).toBe('a')
  expect(times()).toBe(2)
  others('c')
  expect(of('/m/a')).toBe('a')
  expect(times()).toBe(2)
})

test('other headers are another answer where the grammar looks at them, and only there', () => {
  const { asked, of } = counting()
  expect(of('/m/by-accept/a', { accept: 'x' })).toBe('by-accept/a#x')
  expect(of('/m/by-accept/a', { accept: 'y' })).toBe('by-accept/a#y')
  expect(of('/m/by-accept/a', {})).toBe('by-accept/a#undefined')
  expect(of('/m/by-accept/a', { accept: 'x' })).toBe('by-accept/a#x')
  expect(asked).toHaveLength(4)
  expect(of('/m/by-accept/a', { accept: 'x', 'user-agent': 'another' })).toBe('by-accept/a#x')
  expect(asked).toHaveLength(4)
})

test.each<[string, (headers: MirrorRequest['headers']) => boolean]>([
  ['asks whether a header is there', (headers) => 'x-new' in headers],
  ['asks for it as an own property', (headers) => Object.hasOwn(headers, 'x-new')],
  ['takes it out by its name', ({ 'x-new': value }) => value !== undefined],
  ['goes through all of them', (headers) => Object.keys(headers).includes('x-new')],
  ['copies them', (headers) => ({ ...headers })['x-new'] !== undefined],
])('a grammar that %s is asked again when that changes', (_, sees) => {
  const { of } = counting((request) => {
    const seen = sees(request.headers)
    return plain.route({ ...request, headers: {}, path: seen ? 'with' : 'without' }, mirrorAt('/m/').mirror)
  })
  for (let round = 0; round < 2; round++) {
    expect(of('/m/a', {})).toBe('without')
    expect(of('/m/a', { 'x-new': '1' })).toBe('with')
  }
})

test('another method, query or mirror is another target', () => {
  const { asked, of } = counting((request) => {
    const key = `${request.method} ${request.path}${request.query}`
    return plain.route({ ...request, path: key, method: 'GET' }, mirrorAt('/m/').mirror)
  })
  expect(of('/m/a')).toBe('GET a')
  expect(of('/m/a', {}, 'HEAD')).toBe('HEAD a')
  expect(of('/m/a?x')).toBe('GET a?x')
  expect(of('/m/a')).toBe('GET a')
  expect(of('/m/a', {}, 'HEAD')).toBe('HEAD a')
  expect(asked).toHaveLength(3)
})

test.each([
  ['an answer that is made at once', '/m/fixed', 'GET'],
  ['what upstream is to answer each time', '/m/pass/x', 'POST'],
  ['a target longer than any that is asked for again', `/m/${'a'.repeat(600)}`, 'GET'],
])('%s is not remembered', (_, url, method) => {
  const { asked, of } = counting()
  of(url, {}, method)
  of(url, {}, method)
  expect(asked).toHaveLength(2)
})

test('a header value longer than any client sends is not kept in memory with the target', () => {
  const { asked, of } = counting()
  const accept = 'x'.repeat(600)
  for (let i = 0; i < 2; i++) expect(of('/m/by-accept/a', { accept })).toBe(`by-accept/a#${accept}`)
  expect(asked).toHaveLength(2)
})

test('a refusal is not remembered', () => {
  const { asked, of } = counting()
  for (let i = 0; i < 2; i++) expect(() => of('/m/bad')).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  expect(asked).toHaveLength(2)
})

test('a flood of targets pushes out the oldest and nothing else changes', () => {
  const { asked, of } = counting()
  of('/m/first')
  for (let i = 0; i < 5_000; i++) expect(of(`/m/n${i}`)).toBe(`n${i}`)
  const before = asked.length
  expect(of('/m/n4999')).toBe('n4999')
  expect(asked).toHaveLength(before)
  expect(of('/m/first')).toBe('first')
  expect(asked).toHaveLength(before + 1)
})

test('where no mirror is, the message names those that there are, and quotes safely', () => {
  const { of } = counting()
  expect(() => of(`/\u00e9${'x'.repeat(200)}`)).toThrow(/^no mirror is mounted at «\/\?x{78}»; there are: \/m\/$/)
  const none = new Routes(new Mounts([]))
  expect(() => none.of({ url: '/x', method: 'GET', headers: {} } as never)).toThrow('there are: none')
})

test.each([
  ['/a?b?c', { path: '/a', query: '?b?c' }],
  ['/a', { path: '/a', query: '' }],
  ['?', { path: '', query: '?' }],
])('%s is path and query', (target, parts) => {
  expect(splitTarget(target)).toEqual(parts)
})
