import { cacheKey, type Plan } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import type { MemoryAnswer } from '../../node/upstream/memory-upstream.ts'
import type { Offers, Protocol, Rendition, Route } from '../../protocols/protocol.ts'
import { Random } from '../harness/random.ts'
import { parser } from '../node/http/forms.ts'

/** Ms for which a document is fresh. */
export const LIFETIME = 60_000
const BASE = 'https://registry.example.test/'

/** Few bytes, enough to be compressed, what no compression makes smaller, and more than is ever at hand. */
export const NAMES = ['few', 'some', 'noise', 'many', 'gone'] as const

/** Each line but the first begins with a version. */
const offers: Offers = {
  id: 'test-lines-1',
  withhold(bytes, allows) {
    const all = bytes.toString('latin1').split('\n')
    return Buffer.from(all.filter((line) => !/^\d/.test(line) || allows(line.slice(0, 5), undefined)).join('\n'), 'latin1')
  },
}

export function planOf(kind: string, name: string): Plan {
  const key = cacheKey({ ecosystem: 'test', base: BASE, path: `${kind}/${name}` })
  const common = { key, ecosystem: 'test', mirror: 'plain', url: `${BASE}${kind}/${name}`, base: BASE }
  const subject = { type: 'npm', name }
  const headers = { 'content-type': 'text/plain', vary: 'accept' }
  const of = { ...common, subject, responseHeaders: headers }
  if (kind === 'file') return { ...of, kind: 'immutable', digests: [], subject: { ...subject, version: '1.0.0' } }
  const mutable: Plan = { ...of, kind: 'mutable', lifetime: { floor: LIFETIME, cap: LIFETIME } }
  // A way to the next page that no route makes lead here.
  if (kind === 'raw') return { ...mutable, responseHeaders: { ...headers, link: '<next>; rel="next"' } }
  return { ...mutable, document: parser }
}

const rendition: Rendition = {
  id: 'test-lines-1',
  headers: { 'content-type': 'text/plain' },
  render: ([bytes = Buffer.alloc(0)]) => Buffer.from(bytes.toString('latin1').toUpperCase(), 'latin1'),
}

/** `sum/…` and `kept/…` are what never changes for some and may for others, under one key with `doc/…` and `offer/…`. */
function route(path: string): Route {
  const [kind = '', name = ''] = path.split('/')
  if (kind === 'sum') return { plans: [{ ...planOf('doc', name), kind: 'immutable', digests: [] }] }
  const plans = [planOf(kind, name)] as const
  if (kind === 'kept') return { plans: [{ ...planOf('offer', name), kind: 'immutable', digests: [] }], offers }
  if (kind === 'made') return { plans: [planOf('doc', name)], rendition }
  if (kind === 'offer') return { plans, offers }
  return kind === 'below' ? { plans, below: 'files/' } : { plans }
}

/** Documents of each kind that the engine knows, and artifacts. */
export const lines: Protocol = {
  name: 'lines',
  defaultUpstreams: [BASE],
  rootAliases: [],
  settings: [],
  route: ({ path }) => route(path),
  planOf: () => undefined,
  formatError: (error) => ({ contentType: 'text/plain', body: `${error.code} ${error.message}` }),
}

/** What upstream has, for both nodes. */
export class World {
  readonly #versions = new Map<string, number>()
  isDown = false

  publish(name: string): void {
    this.#versions.set(name, this.#version(name) + 1)
  }

  answer(url: string): MemoryAnswer {
    if (this.isDown) throw new WarrenError('UPSTREAM_UNREACHABLE', 'nobody there')
    const [name = ''] = url.split('/').slice(-1)
    const version = this.#version(name)
    if (name === 'gone' && version % 2 === 1) return { status: 404 }
    const text = ['lines', ...linesOf(name).map((line, at) => `${(at % 3) + 1}.0.${version % 10} ${line}`), '']
    return { headers: { etag: `"${version}"` }, body: Buffer.from(text.join('\n'), 'latin1') }
  }

  #version(name: string): number {
    return this.#versions.get(name) ?? 0
  }
}

function linesOf(name: string): string[] {
  if (name === 'many') return Array.from({ length: 2_000 }, (_, at) => `@${at} is one of many lines with some text`)
  if (name === 'some') return Array.from({ length: 60 }, (_, at) => `@${at} is one of some lines`)
  // Its first line alone has more than is too few to be compressed.
  if (name === 'noise') return [new Random(7).bytes(1_500).toString('latin1').replace(/[@\n]/g, '.')]
  return ['@', 'no place']
}
