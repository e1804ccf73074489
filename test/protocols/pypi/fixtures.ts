import type { ParsedDocument, Plan } from '../../../node/cache/plan.ts'
import type { Mirror, Planned, Route } from '../../../protocols/protocol.ts'
import { pypi } from '../../../protocols/pypi/index.ts'

/** Below a path of its host: whatever leads above it would reach somebody else's index. */
export const BASE = 'https://index.example.test/group/simple/'
export const mirror: Mirror = { name: 'pypi', path: '/pypi/', upstreams: [BASE] }

export const SHA = 'ab'.repeat(32)
export const OTHER = 'cd'.repeat(32)
export const HERE = 'http://localhost:7470/pypi/'

export function get(path: string, accept?: string, on: Mirror = mirror): Route {
  return pypi.route({ method: 'GET', path, query: '', headers: accept === undefined ? {} : { accept } }, on)
}

export function planned(path: string, accept?: string, on: Mirror = mirror): Planned {
  const route = get(path, accept, on)
  if (!('plans' in route)) throw new Error(`no plan for ${path}`)
  return route
}

export function planFor(path: string, on: Mirror = mirror): Plan {
  return planned(path, undefined, on).plans[0]
}

/** What a client gets that asks for the page of `project`: the document with every span replaced. */
export function spliced(bytes: Buffer, { spans }: ParsedDocument, project = 'foo'): Buffer {
  const { below = '' } = planned(`simple/${project}/`)
  const parts: Buffer[] = []
  let at = 0
  for (const [start, end, suffix] of spans) {
    parts.push(bytes.subarray(at, start), Buffer.from(HERE + below + suffix))
    at = end
  }
  return Buffer.concat([...parts, bytes.subarray(at)])
}

/** A page of the JSON API. */
export function jsonPage(name: string, files: readonly object[], more: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.1' }, name, files, ...more }))
}

export function fileOf(filename: string, more: object = {}): object {
  return { filename, url: `https://files.example.test/packages/aa/${filename}`, hashes: { sha256: SHA }, ...more }
}
