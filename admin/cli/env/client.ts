import type { Setting } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import type { Type } from '../get/wanted.ts'

/** A client that is led to a mirror by variables alone. */
export interface EnvClient {
  readonly name: string
  readonly type: Type
  /**
   * Where it is led to already, by what the variables below would stand above; the first one counts. What is no URL is somebody's
   * wish as well. Throws Unreadable.
   */
  told(machine: Machine): readonly Setting[]
  /** Why those would do harm in the working folder, where they would; undefined elsewhere. Throws Unreadable. */
  harm?(url: string, machine: Machine): string | undefined
  /** The variables that lead it to the mirror at `url`, which ends with a slash. */
  variables(url: string, machine: Machine): Readonly<Record<string, string>>
}
