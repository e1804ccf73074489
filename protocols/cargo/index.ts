import type { FixedReply, Mirror, MirrorRequest, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor } from '../sites.ts'
import { openConfig } from './config.ts'
import { crateOffers } from './crate-index.ts'
import { formatError } from './errors.ts'
import { planNamed } from './named.ts'
import { foldedName } from './names.ts'
import { parsePath, type Resource } from './paths.ts'
import { planOf, siteAt } from './plans.ts'
import { defaultUpstreams } from './upstreams.ts'

/** The sparse registry protocol of cargo, for reading. */
export const cargo: Protocol = {
  name: 'cargo',
  defaultUpstreams,
  settings: [],
  // In any spelling that a registry takes for the same name: else whoever asks for another one would be led past a route.
  names: { example: 'corp-*', canonical: (pattern) => (/^[\w*-]+$/.test(pattern) ? foldedName(pattern) : undefined) },
  rootAliases: [],
  route,
  planOf: planNamed,
  formatError,
}

/** What a client that takes the index for a git repository gets to see is this status, and what its log shows the text. */
const NO_GIT: FixedReply = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: 'this is a sparse index and no git repository: write «sparse+» in front of its address, in the configuration of cargo\n',
}

const TO_WRITE = 'publish, yank and log in at the registry itself, with «cargo publish --registry <name>» or --index'

function route(request: MirrorRequest, mirror: Mirror): Route {
  const { method, path } = request
  if (method !== 'GET' && method !== 'HEAD') throw notForWriting(method, TO_WRITE)
  const resource = parsePath(path)
  switch (resource.kind) {
    case 'git':
      return { reply: NO_GIT }
    case 'config':
      return { plans: plans(resource, mirror), rendition: openConfig }
    case 'index':
      return { plans: plans(resource, mirror), offers: crateOffers }
    case 'crate':
      return { plans: plans(resource, mirror) }
  }
}

function plans(resource: Exclude<Resource, { kind: 'git' }>, mirror: Mirror): Planned['plans'] {
  const name = 'name' in resource ? foldedName(resource.name) : ''
  return plansFor(mirror, name, (base) => planOf(resource, siteAt(mirror, base)))
}
