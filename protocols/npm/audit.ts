import { WarrenError } from '../../node/errors.ts'
import type { Mirror, MirrorRequest, PassThrough } from '../protocol.ts'
import { mayAsk, sitesOf } from '../sites.ts'
import { FULL_TYPE } from './accept.ts'

/** What describes the body of a POST; nothing else of the client's goes upstream, its credentials and cookies least of all. */
const BODY_HEADERS = ['content-type', 'content-encoding', 'content-length']

/** Bytes of an audit that is read here, unpacked: that of a large project has some hundred thousand. */
const MAX_READ = 4 << 20

/** Where the names are of what a project depends on, in an audit that has its tree. */
const GROUPS = ['requires', 'dependencies']
/** What else such an audit says; nothing that is not known here goes out where names are kept back. */
const PLAIN = ['version', 'integrity', 'dev', 'optional', 'bundled', 'metadata']
const LISTS = ['install', 'remove']
/** Takes the place of a project's own name. */
const NAMELESS = 'project'

type MayAsk = (name: string) => boolean
type Group = Readonly<Record<string, unknown>>

/**
 * An audit, which speaks of all packages of a project at once. It goes to the upstream that is for what no route binds, without the
 * names that must not be asked there: what nobody may look for there has no advisories there either.
 */
export function auditAt(path: string, request: MirrorRequest, mirror: Mirror): PassThrough {
  const [base] = sitesOf(mirror, '')
  const headers: Record<string, string> = { accept: FULL_TYPE }
  for (const name of BODY_HEADERS) {
    const value = request.headers[name]
    if (value !== undefined) headers[name] = checkedHeader(name, value)
  }
  const pass: PassThrough = { method: 'POST', url: base + path, base, headers }
  if (!mirror.routes?.length) return pass
  const may: MayAsk = (name) => mayAsk(mirror, name.toLowerCase(), base)
  const read = path.endsWith('/bulk') ? ofList : ofTree
  return { ...pass, edited: { maxBytes: MAX_READ, edit: (body) => edited(body, (all) => read(all, may)) } }
}

/** The same bytes where all of it may go out. Throws BAD_REQUEST. */
function edited(body: Buffer, left: (all: Group) => Group): Buffer {
  try {
    const text = body.toString()
    const all: unknown = JSON.parse(text)
    if (!isGroup(all)) throw new Error('it is no object')
    const rest = JSON.stringify(left(all))
    return rest === JSON.stringify(all) ? body : Buffer.from(rest)
  } catch (cause) {
    const why = 'routes keep names from that upstream, so that it has to be JSON as npm sends it'
    throw new WarrenError('BAD_REQUEST', `the audit cannot be read, and ${why}`, { cause })
  }
}

/** `{"name": ["1.0.0"]}`. */
function ofList(all: Group, may: MayAsk): Group {
  return Object.fromEntries(Object.entries(all).filter(([name]) => may(name)))
}

/**
 * A project as its lockfile has it: `dependencies` by name, each with further ones in it. In the order of the client, so that an audit
 * of which nothing is left out can be told by its text.
 */
function ofTree(all: Group, may: MayAsk): Group {
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, value]): [string, unknown][] => {
      const left = ofField(key, value, may)
      return left === undefined ? [] : [[key, left]]
    }),
  )
}

function ofField(key: string, value: unknown, may: MayAsk): unknown {
  if (PLAIN.includes(key)) return value
  if (GROUPS.includes(key)) return isGroup(value) ? ofGroup(value, may) : value === true || undefined
  if (key === 'name') return typeof value === 'string' && may(value) ? value : NAMELESS
  if (!LISTS.includes(key) || !Array.isArray(value)) return undefined
  return value.filter((one) => typeof one === 'string' && may(withoutVersion(one)))
}

function ofGroup(group: Group, may: MayAsk): Group {
  return Object.fromEntries(
    Object.entries(group).flatMap(([name, value]) => {
      const called = isGroup(value) ? value.version : value
      // Under another name of the project's own choice: `npm:@corp/x@1.0.0`.
      const [, alias] = typeof called === 'string' ? (/^npm:(.+)$/is.exec(called) ?? []) : []
      if (!may(name) || (alias !== undefined && !may(withoutVersion(alias)))) return []
      return [[name, isGroup(value) ? ofTree(value, may) : value]]
    }),
  )
}

function withoutVersion(text: string): string {
  const at = text.lastIndexOf('@')
  return at > 0 ? text.slice(0, at) : text
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkedHeader(name: string, value: string | string[]): string {
  const legal = name === 'content-length' ? /^\d{1,10}$/ : /^[ -~]{1,200}$/
  if (typeof value === 'string' && legal.test(value)) return value
  throw new WarrenError('BAD_REQUEST', `the header «${name}» cannot be passed on; send it once, in plain ASCII`)
}
