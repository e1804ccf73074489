import type { Plan } from '../../../node/cache/plan.ts'
import { isWarrenError } from '../../../node/errors.ts'
import { oci } from '../../../protocols/oci/index.ts'
import type { Claim, FixedReply, Mirror, MirrorRequest, Planned, Route } from '../../../protocols/protocol.ts'

export const HUB = 'https://registry-1.docker.io/'
export const QUAY = 'https://quay.io/'
export const CORP = 'https://images.corp.example.test/'

export const SHA256 = `sha256:${'a1'.repeat(32)}`
export const SHA512 = `sha512:${'b2'.repeat(64)}`

export const hub: Mirror = { name: 'docker-hub', path: '/v2/', registry: 'docker.io', upstreams: [HUB] }
export const quay: Mirror = { name: 'quay', path: '/v2/', registry: 'quay.io', upstreams: [QUAY] }
/** One that has a path of its own. */
const corp: Mirror = { name: 'corp', path: '/mirror/corp/', registry: 'corp.example.test:8443', upstreams: [CORP] }
/** Stands for every registry that a client names. */
export const onDemand: Mirror = { name: 'on-demand', path: '/v2/', registry: '*', upstreams: [] }

export const mirrors: readonly Mirror[] = [hub, quay, corp]

export interface Asked {
  readonly method?: string
  readonly headers?: MirrorRequest['headers']
  readonly on?: readonly Mirror[]
}

export function claimOf(target: string, on: readonly Mirror[] = mirrors): Claim | undefined {
  const at = target.indexOf('?')
  const parts = at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at) }
  return oci.claim?.(parts, on)
}

/** What is made of a request, as the door asks. Throws for a target that is none of ours. */
function ask(target: string, { method = 'GET', headers = {}, on = mirrors }: Asked = {}): Route {
  const claim = claimOf(target, on)
  if (!claim) throw new Error(`${target} is claimed by nobody`)
  const query = target.includes('?') ? target.slice(target.indexOf('?')) : ''
  return oci.route({ method, target, path: claim.path, query, headers }, claim.mirror)
}

export function planned(target: string, asked: Asked = {}): Planned {
  const route = ask(target, asked)
  if (!('plans' in route)) throw new Error(`no plan for ${target}`)
  return route
}

/** The first plan. */
export function planFor(target: string, asked: Asked = {}): Plan {
  return planned(target, asked).plans[0]
}

export function replyTo(target: string, asked: Asked = {}): FixedReply {
  const route = ask(target, asked)
  if (!('reply' in route)) throw new Error(`no reply for ${target}`)
  return route.reply
}

/** The error that a client gets, with the code that it reads. */
export function refusalOf(target: string, asked: Asked = {}): { readonly status: number; readonly code: string } {
  try {
    const route = ask(target, asked)
    throw new Error(`${target} is not refused, but leads to ${JSON.stringify(route)}`)
  } catch (error) {
    if (!isWarrenError(error)) throw error
    const { body } = oci.formatError(error, target.split('?', 1)[0] ?? '')
    return { status: error.status, code: (JSON.parse(body) as { errors: [{ code: string }] }).errors[0].code }
  }
}

/** The facts of a document, as they are after a restart. */
export function factsOf(document: object | string): unknown {
  const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))
  const parser = planFor(`/v2/library/x/manifests/${SHA256}`).document
  if (!parser) throw new Error('a manifest has a parser')
  return JSON.parse(JSON.stringify(parser.parse(bytes).facts))
}
