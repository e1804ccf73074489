import type { LoadedConfig } from '../../../node/config/load.ts'
import type { Examination } from '../../api/examination-schema.ts'
import type { Peers } from '../../api/peers-schema.ts'
import type { Counts, Status } from '../../api/status-schema.ts'

/** What a node told of itself. Without its token that is little. */
export interface NodeFacts {
  readonly status: Counts | Status
  readonly peers: Peers['peers'] | undefined
  readonly examination: Examination | undefined
}

/** Files and programs of a machine, as whoever asks sees them. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Home folder, as HOME has it. */
  readonly home: string | undefined
  /** The one that the user database has, where that is known: programs of Java's go by that. */
  readonly accountHome?: string | undefined
  /** Working folder, whose settings count for some clients. */
  readonly folder: string
  /** Where `/etc` is. */
  readonly root: string
  /** User id of whoever asks; undefined where the system has none. */
  readonly user: number | undefined
  /** Whether a program is in PATH. */
  has(program: string): boolean
}

/** All that checks look at, gathered once. */
export interface Scene {
  readonly now: number
  readonly machine: Machine
  /** Admin address of the node that is meant. */
  readonly base: string
  /** What it told; undefined where none answers. */
  readonly node: NodeFacts | undefined
  /** Why it told nothing, or only counts. */
  readonly trouble: string | undefined
  /** Of a node of this machine: its settings, as far as they can be read; undefined of one that `--node` names. */
  readonly local: { readonly settings: LoadedConfig | undefined; readonly trouble: string | undefined } | undefined
}

/**
 * Whether its mesh is meant to have no seeds: what members say of names counts there. The node knows best, since it may have been told
 * by a variable that is not set where it is looked over.
 */
export function isWithoutSeeds({ node, local }: Scene): boolean {
  return (node?.examination?.names ?? local?.settings?.config.mesh.names) === 'members'
}

/** The full status, where the token is known. */
export function statusOf({ node }: Scene): Status | undefined {
  return node && 'mirrors' in node.status ? node.status : undefined
}
