import { type Setting, Unreadable } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import type { Mirrors, NodeMirror } from '../get/mirrors.ts'
import type { Type } from '../get/wanted.ts'
import { printable } from '../print.ts'

/** A client whose settings may lead it elsewhere already. */
interface Led {
  readonly name: string
  readonly type: Type
  told(machine: Machine): readonly Setting[]
  harm?(url: string, machine: Machine): string | undefined
}

/** The mirror for a client, or why there is none for it. */
export type Choice =
  | { readonly mirror: NodeMirror; readonly instead: Setting | undefined }
  | { readonly mirror: undefined; readonly why: string }

/** A client goes on getting what it got: from the mirror that asks the same registry, and as before where none does. */
export function choose(client: Led, mirrors: Mirrors, machine: Machine): Choice {
  try {
    const [told] = client.told(machine)
    const mirror = mirrors.leading(client.type, told?.url)
    const harm = mirror && client.harm?.(mirrors.urlOf(mirror, ''), machine)
    if (harm !== undefined) return { mirror: undefined, why: harm }
    if (mirror) return { mirror, instead: told }
    if (told)
      return { mirror: undefined, why: `it stays with ${placeText(told)}, which no mirror of the node asks; see «--mirror»` }
    return { mirror: undefined, why: 'the node has no mirror of the registry that it asks' }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { mirror: undefined, why: `nobody knows where it is led to: ${error.message}` }
  }
}

/** Where a client is led to, without what stands there of a login. */
export function placeText({ where, url: text }: Setting): string {
  const url = /^[a-z+]+:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  return `${printable(url ? `${url.protocol}//${url.host}${url.pathname}` : text.replace(/\/\/[^/|,@]*@/g, '//'))} (${where})`
}
