import type { MirrorConfig } from '../../../node/config/schema.ts'

/** A mirror of the node, as clients are led to it. */
export interface ClientMirror extends Pick<MirrorConfig, 'name' | 'protocol' | 'upstreams'> {
  /** With a slash at its end. */
  readonly url: string
  /** Registry that it is for (oci). */
  readonly registry?: string | undefined
}

/** The one that clients of a protocol ask by default: those that are built in come first. */
export function defaultMirror(mirrors: readonly ClientMirror[], protocol: string): ClientMirror | undefined {
  return mirrors.find((one) => one.protocol === protocol)
}
