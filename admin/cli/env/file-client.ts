import type { Setting } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import type { NodeMirror } from '../get/mirrors.ts'
import type { Type } from '../get/wanted.ts'

/** Mirrors for a client that reads files. */
interface ForFiles {
  /** Base URL of the mirror for what it asks by default, with a slash at its end. */
  readonly url: string
  /** All mirrors of its protocol, and where they are. */
  readonly mirrors: readonly (NodeMirror & { readonly url: string })[]
}

/** What leads a client to the files that were written for it. */
interface Written {
  readonly variables?: Readonly<Record<string, string>>
  /** Words that are put behind what is in a variable. Whoever reads that takes it apart at each space, knows no quotes, and may be a script that evaluates it. */
  readonly added?: Readonly<Record<string, string>>
}

/** A client that is led to a mirror by files, and to these by variables. */
export interface FileClient {
  readonly name: string
  readonly type: Type
  /** Whether there is any sign of it; where there is none its home is not touched. */
  isHere(machine: Machine): boolean
  /** Where it is led to already, by what would count in the place of these files, or above them. */
  told(machine: Machine): readonly Setting[]
  /** Writes into a folder of its own. Throws NotEditable, or Unreadable. */
  write(folder: string, mirrors: ForFiles, machine: Machine): Written
}
