import type { Former } from './adopt.ts'
import type { PastScope } from './scopes.ts'

/** What became of a file, or would. */
export type Action = 'create' | 'change' | 'remove' | 'none'

export interface FileReport {
  readonly path: string
  readonly action: Action
  /** As `diff -U0` has it, without logins in URLs. */
  readonly diff: readonly string[]
  /** Whether somebody has changed the file since something was written into it. */
  readonly edited: boolean
  /** Lines that somebody changed since they were written, so that they stay. */
  readonly left: readonly string[]
}

/** What was done for a client, or would be. */
export interface ClientReport {
  readonly client: string
  /** URL of the mirror that it is led to; undefined where it is taken back, or there is none. */
  readonly url: string | undefined
  readonly files: readonly FileReport[]
  /** Names of mirrors that the node was given for it. */
  readonly made: readonly string[]
  /** Whether it was done. */
  readonly isDone: boolean
  /** Where it was led before, if that is none of the public registries. */
  readonly former: readonly Former[]
  /** Scopes of packages that go past the node, to registries of their own. */
  readonly scopes: readonly PastScope[]
  /** Variables and files of the project that stand above what is written, and lead elsewhere. */
  readonly above: readonly string[]
  /** The home folder in which these files are, where that is not HOME but what Java takes for it. */
  readonly javaHome: string | undefined
  readonly down: string | undefined
  readonly next: string | undefined
  /** Why it was not done, or could not be. */
  readonly trouble: string | undefined
}
