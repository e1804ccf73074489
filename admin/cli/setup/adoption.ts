import { DOCKER_HUB } from '../../../node/docker-hub.ts'
import { layeredMirrorSchema } from '../../api/mirrors-schema.ts'
import { ApiClient } from '../api-client.ts'
import { quoted } from '../env/shell.ts'
import { mirrorPath } from '../mirror-path.ts'
import type { NodeAddress } from '../node-address.ts'
import type { ClientMirror } from './mirror.ts'

/** Characters of a name that is made up: names of mirrors have 63 at most. */
const MAX_NAME = 58

/** A mirror that makes an upstream of where a client was led to. */
export interface Adoption {
  readonly name: string
  /** Undefined: of one that there is, only the upstreams change. */
  readonly protocol: string | undefined
  readonly upstream: string
}

interface Adoptable {
  readonly adoption: Adoption | undefined
  readonly logins: readonly string[]
  readonly ofProject: boolean
}

/** Undefined where no mirror could ask there. */
export function adoptionOf(upstream: string, protocol: string, mirrors: readonly ClientMirror[]): Adoption | undefined {
  if (protocol !== 'oci') return { name: nameFor(upstream, protocol, mirrors), protocol, upstream }
  // A registry of images has one mirror, and what a client was led to stood before Docker Hub; below a path there is none to ask.
  const hub = mirrors.find(({ registry }) => registry === DOCKER_HUB)
  return hub && new URL(upstream).pathname === '/' ? { name: hub.name, protocol: undefined, upstream } : undefined
}

/** The same by a command, which people copy: the upstream may be from a file of somebody else's. */
export function commandFor({ name, protocol, upstream }: Adoption): string {
  const word = /^[\w:/.%-]+$/.test(upstream) ? upstream : quoted(upstream)
  return protocol === undefined
    ? `warren mirrors set ${name} --upstream ${word}`
    : `warren mirrors add ${name} --protocol ${protocol} --upstream ${word}`
}

/**
 * Makes mirrors at a running node for all that can be adopted, and tells their names. What has a login is left out: first somebody has
 * to give it to the node; and so is what only a project names, since a repository that was cloned must not configure a node. Throws what ApiClient does.
 */
export async function adoptAll(former: readonly Adoptable[], address: NodeAddress): Promise<string[]> {
  const names: string[] = []
  for (const { adoption, logins, ofProject } of former) {
    if (!adoption || ofProject || logins.length > 0) continue
    await adopt(adoption, address)
    names.push(adoption.name)
  }
  return names
}

/** Throws what ApiClient does, also where there is another one of that name. */
async function adopt({ name, protocol, upstream }: Adoption, { base, token }: NodeAddress): Promise<void> {
  const client = new ApiClient(base, token())
  const path = mirrorPath(name)
  if (protocol !== undefined) {
    await client.ask('PUT', path, { body: { protocol, upstreams: [upstream] }, headers: { 'if-none-match': '*' } })
    return
  }
  const { json, etag } = await client.ask('GET', path)
  const { entry } = layeredMirrorSchema.parse(json)
  await client.ask('PUT', path, { body: { ...(entry || {}), upstreams: [upstream] }, headers: { 'if-match': etag ?? '*' } })
}

/** Of protocol, host and path; with a number where that is taken. */
function nameFor(upstream: string, protocol: string, mirrors: readonly ClientMirror[]): string {
  const { host, pathname } = new URL(upstream)
  const words = `${protocol}-${host}${pathname}`.toLowerCase().replace(/[^a-z\d]+/g, '-')
  const name = words.slice(0, MAX_NAME).replace(/-+$/, '')
  const isTaken = (one: string) => mirrors.some((mirror) => mirror.name === one)
  for (let count = 1; ; count++) {
    const next = count === 1 ? name : `${name}-${count}`
    if (!isTaken(next)) return next
  }
}
