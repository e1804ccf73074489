import { builtIns } from '../../../node/built-ins.ts'
import { isLoopback } from '../../../node/tcp-address.ts'
import type { Setting as Led } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import { hostOf, isSameListener } from '../same-listener.ts'
import { type Adoption, adoptionOf } from './adoption.ts'
import { centralUrls } from './central-urls.ts'
import { loginPlaces } from './login-places.ts'
import type { ClientMirror } from './mirror.ts'
import { isOfProject } from './of-project.ts'
import { answererAt } from './warren-probe.ts'

/** An upstream that a client was led to, and that is none of the public ones. */
export interface Former {
  /** As a mirror of the node would name it, without a login. */
  readonly url: string
  /** Files and variables that name it. */
  readonly where: readonly string[]
  /**
   * Whether nothing but files of the working folder names it. Somebody else may have written these, so that nothing is asked, nor done,
   * because of them.
   */
  readonly ofProject: boolean
  /** Places in which a login for it is; never what is in them. */
  readonly logins: readonly string[]
  /** Name of the mirror of the node that asks there already. */
  readonly mirror: string | undefined
  /** What makes it an upstream of the node, where none is. */
  readonly adoption: Adoption | undefined
}

export interface Surroundings {
  readonly machine: Machine
  readonly protocol: string
  readonly mirrors: readonly ClientMirror[]
  readonly listeners: readonly string[]
  /** Whether the public registries count as well. */
  readonly withPublic?: boolean
}

/**
 * Upstreams that a client is led to and that a node could ask in its place. None of them is a node: not this one, whatever the name of
 * its listener, nor whatever else answers as one, since two of them would ask each other in a circle.
 */
export async function formerOf(
  led: readonly Led[],
  { machine, protocol, mirrors, listeners, withPublic = false }: Surroundings,
): Promise<Former[]> {
  const own = mirrors.filter((one) => one.protocol === protocol)
  const candidates = new Map<string, Former & { readonly at: URL }>()
  for (const { where, url: text } of led) {
    const at = URL.parse(text)
    if (!at || !/^https?:$/.test(at.protocol) || (!withPublic && isPublic(at, protocol))) continue
    if (listeners.some((listener) => isSameListener(at, new URL(listener)))) continue
    const url = baseOf(at)
    const ofProject = isOfProject(where, machine)
    const known = candidates.get(url)
    if (known) {
      // Once, though it is read as a file of the user and of the project where somebody is at home.
      const places = [...new Set([...known.where, where])]
      candidates.set(url, { ...known, where: places, ofProject: known.ofProject && ofProject })
      continue
    }
    const mirror = own.find(({ upstreams }) => upstreams.some((one) => isSame(one, url)))
    const adoption = mirror ? undefined : adoptionOf(url, protocol, mirrors)
    const logins = loginPlaces(at, where, machine)
    candidates.set(url, { at, url, where: [where], ofProject, logins, mirror: mirror?.name, adoption })
  }
  const judged = await Promise.all(
    [...candidates.values()].map(async ({ at, ...former }) =>
      isPublic(at, protocol) || (await isOther(at, former)) ? [former] : [],
    ),
  )
  return judged.flat()
}

/** Whether clients are led there by nobody's will but their makers'. */
function isPublic({ host }: URL, protocol: string): boolean {
  const upstreams = builtIns.filter((one) => one.protocol === protocol).flatMap((one) => one.upstreams)
  return [...upstreams, ...(protocol === 'maven' ? centralUrls() : [])].some((url) => new URL(url).host === host)
}

/** Of a port of this machine on which nobody answers it cannot be told whether it was a node's. */
async function isOther(url: URL, { ofProject }: Former): Promise<boolean> {
  const who = ofProject ? 'nobody' : await answererAt(url)
  return who === 'another' || (who === 'nobody' && !isLoopback({ host: hostOf(url) }))
}

function baseOf(url: URL): string {
  const base = new URL(url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`, url.origin)
  return base.href
}

/** An index of Python is written with and without its last part. */
function isSame(one: string, other: string): boolean {
  const short = (url: string) => url.replace(/\/$/, '').replace(/\/simple$/, '')
  return short(one) === short(other)
}
