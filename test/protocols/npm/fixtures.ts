import type { ParsedDocument, Plan } from '../../../node/cache/plan.ts'
import { npm } from '../../../protocols/npm/index.ts'
import type { Mirror, MirrorRequest, Route } from '../../../protocols/protocol.ts'

export const BASE = 'https://registry.example.test/'

export const mirror: Mirror = { name: 'npm', path: '/npm/', upstreams: [BASE] }

export function mirrorOf(...upstreams: string[]): Mirror {
  return { ...mirror, upstreams }
}

export function get(path: string, headers: MirrorRequest['headers'] = {}, on: Mirror = mirror): Route {
  return npm.route({ method: 'GET', path, query: '', headers }, on)
}

/** The first plan of a GET. */
export function planFor(path: string, headers: MirrorRequest['headers'] = {}, on: Mirror = mirror): Plan {
  const route = get(path, headers, on)
  if (!('plans' in route)) throw new Error(`no plan for ${path}`)
  return route.plans[0]
}

/** What a client gets: the document with every span replaced. */
export function rendered(bytes: Buffer, document: ParsedDocument, base: string): unknown {
  const parts: Buffer[] = []
  let at = 0
  for (const [start, end, suffix] of document.spans) {
    parts.push(bytes.subarray(at, start), Buffer.from(base + suffix))
    at = end
  }
  parts.push(bytes.subarray(at))
  return JSON.parse(Buffer.concat(parts).toString())
}

/** A member that an object has itself, never one of its prototype. */
export function own(value: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? Object.getOwnPropertyDescriptor(at, name)?.value : undefined),
    value,
  )
}
