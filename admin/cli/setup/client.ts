import type { Client } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import type { ClientMirror } from './mirror.ts'
import type { Scoped } from './scopes.ts'

/** What a client is set up with. */
export interface Setting {
  readonly machine: Machine
  /** The mirror that it is led to. */
  readonly mirror: ClientMirror
  /** All that the node has for its protocol. */
  readonly mirrors: readonly ClientMirror[]
}

/** A client that can be led to the node by its own settings. */
export interface SetupClient {
  /** As it is called on the command line. */
  readonly name: string
  /** What it is called in PATH; any of them. */
  readonly programs: readonly string[]
  /** Reads where it is led now. */
  readonly reader: Client
  /** Reads which scopes have a registry of their own. Throws Unreadable. */
  scopes?(machine: Machine): readonly Scoped[]
  /** Whether it goes on to where it was led before for what the node does not have. */
  readonly keepsFormer?: boolean
  /**
   * Files that lead it to these mirrors, and those that may have done so once. Throws UsageError where there is nothing to set up, as
   * in a folder without a project.
   */
  files(machine: Machine, mirrors: readonly ClientMirror[]): readonly string[]
  /** The text that one of these files then has; an empty one is of a file that there is not. Throws NotEditable. */
  edit(text: string, setting: Setting, path: string): string
  /** Of a program of Java's: variables with options for its Java, which takes its home folder from elsewhere than others. */
  readonly javaOptions?: readonly string[]
  /** What becomes of it while no node runs. */
  readonly down: string
  /** What else is to be done. */
  readonly next?: string
  /** What else is to be done once it is taken back. */
  readonly undone?: string
}
