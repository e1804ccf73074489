import type { Platform } from '../images/platform.ts'
import type { Ask, Client, GotFile } from './client.ts'
import type { Mirrors, NodeMirror } from './mirrors.ts'

/** What a recipe fetches a package with. */
export interface Kitchen {
  readonly client: Client
  readonly mirrors: Mirrors
  readonly mirror: NodeMirror
  /** Machines that files are wanted for, where there are different ones. */
  readonly platforms: readonly Platform[] | 'all'
}

/** What a package turned out to be. */
export interface Cooked {
  readonly version: string
  readonly files: readonly GotFile[]
}

/** Asks below the mount of the mirror. */
export function below({ mirrors, mirror }: Kitchen, path: string): Pick<Ask, 'url'> {
  return { url: mirrors.urlOf(mirror, path) }
}

/** A segment of a path; `@`, `+`, `!` and their like stay as clients send them. */
export function segment(text: string): string {
  return encodeURIComponent(text).replace(/%(?:40|2B|21|7E|3A)/g, decodeURIComponent)
}

/** Of a version that an index does not have, which does not say why. `more` follows it, from its punctuation mark on. */
export function noVersion(name: string, version: string | undefined, more: string): Error {
  return new Error(`${name} has no version ${version}, or the policy of the node withholds it${more}`)
}
