import type { Examination } from '../../../../admin/api/examination-schema.ts'
import type { Status } from '../../../../admin/api/status-schema.ts'
import type { Level } from '../../../../admin/cli/doctor/finding.ts'
import type { Machine, NodeFacts, Scene } from '../../../../admin/cli/doctor/scene.ts'
import { VERSION } from '../../../../node/version.ts'
import { loadText } from '../../../node/config/setup.ts'
import { LONE, WELL } from '../../fake-node.ts'

export const NOW = 1_800_000_000_000

const MIRRORS: Status['mirrors'] = [
  { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: ['https://npm.test/'] },
  { name: 'pypi', protocol: 'pypi', path: '/pypi/', upstreams: ['https://pypi.test/'] },
  { name: 'central', protocol: 'maven', path: '/maven/central/', upstreams: ['https://maven.test/'] },
  { name: 'go', protocol: 'go', path: '/go/', upstreams: ['https://go.test/'] },
  { name: 'cargo', protocol: 'cargo', path: '/cargo/', upstreams: ['https://cargo.test/'] },
  { name: 'docker-hub', protocol: 'oci', path: '/v2/', upstreams: ['https://hub.test/'] },
]

export function status(
  more: { mesh?: Partial<Status['mesh']>; store?: Partial<Status['store']>; upstream?: Status['upstream'] } = {},
): Status {
  const none = { local: 0, flight: 0, peer: 0, seed: 0, upstream: 0, stale: 0 }
  return {
    node: {
      id: 'n1',
      version: VERSION,
      pid: 1,
      startedAt: NOW - 60_000,
      state: 'ready',
      data: '/d',
      listen: ['http://127.0.0.1:7470'],
    },
    mirrors: MIRRORS,
    requests: { ...none, negative: 0, denied: 0, error: 0 },
    bytes: none,
    saved: 0,
    flights: 0,
    upstream: more.upstream ?? [],
    store: { blobs: 0, bytes: 0, records: 0, free: 0, storing: true, ...more.store },
    memory: { bytes: 0, limit: 0 },
    mesh: { ...LONE, ...more.mesh },
  }
}

export interface SceneInit {
  /** False: none runs. */
  readonly node?: Partial<NodeFacts> | false
  readonly examination?: Partial<Examination>
  readonly machine?: Partial<Machine>
  /** Folder with a file of settings, and its text; else the node is one of another machine. */
  readonly settings?: { readonly folder: string; readonly text: string }
  readonly base?: string
  readonly trouble?: string
}

/** A node without any trouble, but for what a test says. */
export function scene({ node = {}, examination, machine, settings, base, trouble }: SceneInit = {}): Scene {
  return {
    now: NOW,
    machine: { env: {}, home: '/nowhere', folder: '/nowhere', root: '/nowhere', user: 1_000, has: () => false, ...machine },
    base: base ?? 'http://127.0.0.1:7470',
    node: node === false ? undefined : { status: status(), peers: [], examination: { ...WELL, ...examination }, ...node },
    trouble,
    local: settings && { settings: loadText(settings.folder, settings.text), trouble: undefined },
  }
}

/** Level and text of what was found, as one text each. */
export function told(
  findings: readonly { readonly level: Level; readonly what: string; readonly action?: string }[],
): string[] {
  return findings.map(({ level, what, action }) => `${level}: ${what}${action === undefined ? '' : ` → ${action}`}`)
}
