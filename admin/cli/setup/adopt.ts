import { builtIns } from '../../../node/built-ins.ts'
import { DOCKER_HUB } from '../../../node/docker-hub.ts'
import { isLoopback } from '../../../node/tcp-address.ts'
import type { Setting as Led } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import { hostOf, isSameListener } from '../same-listener.ts'
import { loginPlaces } from './login-places.ts'
import type { ClientMirror } from './mirror.ts'
import { type Answerer, answererAt } from './warren-probe.ts'

/** An upstream that a client was led to, and that is none of the public ones. */
export interface Former {
  /** As a mirror of the node would name it, without a login. */
  readonly url: string
  /** File or variable that names it. */
  readonly where: string
  /** Places in which a login for it is; never what is in them. */
  readonly logins: readonly string[]
  /** Name of the mirror of the node that asks there already. */
  readonly mirror: string | undefined
  /** What makes it an upstream of the node, where none does: the command. */
  readonly command: string | undefined
}

interface Surroundings {
  readonly machine: Machine
  readonly protocol: string
  readonly mirrors: readonly ClientMirror[]
  readonly listeners: readonly string[]
}

/**
 * Upstreams that a client is led to and that a node could ask in its place. None of them is a node: not this one, whatever the name of
 * its listener, nor whatever else answers as one, since two of them would ask each other in a circle.
 */
export async function formerOf(
  led: readonly Led[],
  { machine, protocol, mirrors, listeners }: Surroundings,
  ask: (url: URL) => Promise<Answerer> = answererAt,
): Promise<Former[]> {
  const usual = builtIns
    .filter((one) => one.protocol === protocol)
    .flatMap(({ upstreams }) => upstreams.map((url) => new URL(url).host))
  const found = new Map<string, Former>()
  for (const { where, url: text } of led) {
    const url = URL.parse(text)
    if (!url || !/^https?:$/.test(url.protocol) || usual.includes(url.host)) continue
    if (listeners.some((listener) => isSameListener(url, new URL(listener)))) continue
    const logins = loginPlaces(url, where, machine)
    const base = baseOf(url)
    if (found.has(base) || !(await isOther(url, ask))) continue
    const mirror = mirrors.find((one) => one.protocol === protocol && one.upstreams.some((own) => isSame(own, base)))
    const command = mirror ? undefined : commandFor(base, protocol, mirrors)
    found.set(base, { url: base, where, logins, mirror: mirror?.name, command })
  }
  return [...found.values()]
}

/** Of a port of this machine on which nobody answers it cannot be told whether it was a node's. */
async function isOther(url: URL, ask: (url: URL) => Promise<Answerer>): Promise<boolean> {
  const who = await ask(url)
  return who === 'another' || (who === 'nobody' && !isLoopback({ host: hostOf(url) }))
}

function commandFor(base: string, protocol: string, mirrors: readonly ClientMirror[]): string {
  // A registry of images has one mirror, and what a client was led to stood before Docker Hub.
  const hub = protocol === 'oci' && mirrors.find(({ registry }) => registry === DOCKER_HUB)
  if (hub) return `warren mirrors set ${hub.name} --upstream ${base}`
  const name = hostOf(new URL(base))
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 63)
  return `warren mirrors add ${name} --protocol ${protocol} --upstream ${base}`
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
