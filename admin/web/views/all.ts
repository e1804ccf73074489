import type { ComponentType } from 'preact'
import type { NodeView } from '../api/use-status.ts'
import { Cache } from './cache/cache.tsx'
import { Ledger } from './ledger/ledger.tsx'
import { Mesh } from './mesh/mesh.tsx'
import { Mirrors } from './mirrors/mirrors.tsx'
import { Overview } from './overview/overview.tsx'
import { Policy } from './policy/policy.tsx'
import { Purge } from './purge/purge.tsx'
import { Upstreams } from './upstreams.tsx'

interface ViewProps {
  readonly node: NodeView
  /** What of the view is shown, by the hash. */
  readonly rest: string
}

interface View {
  /** In the hash. */
  readonly path: string
  readonly title: string
  /** Whether it has something for those who have no token. */
  readonly isOpen?: boolean
  readonly View: ComponentType<ViewProps>
}

/** In the order of the menu; the first is shown where the hash names none. */
export const VIEWS: readonly [View, ...View[]] = [
  { path: 'overview', title: 'Overview', isOpen: true, View: Overview },
  { path: 'mesh', title: 'Mesh', View: Mesh },
  { path: 'upstreams', title: 'Upstreams', View: Upstreams },
  { path: 'cache', title: 'Cache', View: Cache },
  { path: 'mirrors', title: 'Mirrors', View: Mirrors },
  { path: 'policy', title: 'Policy', View: Policy },
  { path: 'purge', title: 'Purge', View: Purge },
  { path: 'ledger', title: 'Ledger', View: Ledger },
]
