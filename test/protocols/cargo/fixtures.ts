import type { Plan } from '../../../node/cache/plan.ts'
import { cargo } from '../../../protocols/cargo/index.ts'
import type { Mirror, Planned, Route } from '../../../protocols/protocol.ts'

export const BASE = 'https://index.example.test/'
export const MIRROR: Mirror = { name: 'cargo', path: '/cargo/', upstreams: [BASE] }

export function routeOf(path: string, mirror: Mirror = MIRROR, method = 'GET', query = ''): Route {
  return cargo.route({ method, path, query, headers: {} }, mirror)
}

export function plannedFor(path: string, mirror: Mirror = MIRROR): Planned {
  const route = routeOf(path, mirror)
  if (!('plans' in route)) throw new Error(`${path} is answered without a plan`)
  return route
}

export function planFor(path: string, mirror: Mirror = MIRROR): Plan {
  return plannedFor(path, mirror).plans[0]
}
