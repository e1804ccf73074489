import { protocols } from '../protocols/index.ts'
import type { BuiltInMirror } from './config/defaults.ts'

/** One mirror for each built-in protocol, at `/<protocol>/`: what a node offers before anybody configures it. */
export const builtIns: readonly BuiltInMirror[] = protocols.map(({ name, defaultUpstreams, rootAliases }) => ({
  name,
  protocol: name,
  path: `/${name}/`,
  upstreams: defaultUpstreams,
  rootAliases,
}))
