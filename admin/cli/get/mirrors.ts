import { hostname, networkInterfaces } from 'node:os'
import { getDefaultRegistry } from 'purl'
import { builtIns } from '../../../node/built-ins.ts'
import { isLoopback } from '../../../node/tcp-address.ts'
import type { Status } from '../../api/status-schema.ts'
import { UsageError } from '../exit-codes.ts'
import { hostOf } from '../same-listener.ts'
import type { Type, Wanted } from './wanted.ts'

export type NodeMirror = Status['mirrors'][number]

/** What the mirrors of a package type speak. */
const PROTOCOLS: Readonly<Record<Type, string>> = { npm: 'npm', pypi: 'pypi', maven: 'maven', golang: 'go', cargo: 'cargo' }

/** Decides which mirror of a node a package is asked for at. */
export class Mirrors {
  /** Where they are: `http://host:port`. */
  readonly base: string
  readonly #mirrors: readonly NodeMirror[]
  readonly #named: readonly NodeMirror[]

  /** `named` are the mirrors that the user wants to be asked, whatever a lockfile says. Throws UsageError. */
  constructor(init: { base: string; mirrors: readonly NodeMirror[]; named: readonly string[] }) {
    this.base = init.base
    this.#mirrors = init.mirrors
    this.#named = init.named.map((name) => {
      const mirror = init.mirrors.find((one) => one.name === name)
      if (mirror) return mirror
      throw new UsageError(`the node has no mirror «${name}»; it has ${init.mirrors.map((one) => one.name).join(', ')}`)
    })
  }

  get all(): readonly NodeMirror[] {
    return this.#mirrors
  }

  /** Throws Error that says which mirrors there are. */
  for({ type, repository }: Wanted): NodeMirror {
    const protocol = PROTOCOLS[type]
    const [named] = this.#named.filter((mirror) => mirror.protocol === protocol)
    if (named) return named
    const kin = this.#mirrors.filter((mirror) => mirror.protocol === protocol)
    const [first] = kin
    if (!first) throw new Error(`the node has no mirror for ${type}; add one with «protocol: ${protocol}» to its settings`)
    if (repository === undefined) return first
    const found = this.#of(placeOf(repository), kin) ?? (isDefaultRegistry(type, repository) ? first : undefined)
    if (found) return found
    const known = kin.map(({ name, upstreams }) => `${name} (${upstreams.join(', ')})`).join(', ')
    throw new Error(
      `it is from ${type === 'npm' ? placeOf(repository).host : repository}, which no mirror of the node asks: there is ${known}; add one, or name one with --mirror`,
    )
  }

  /**
   * The mirror for a client that is led to `registry`, or is told nothing; undefined where none asks that one before any other. Stricter
   * than `for`: whoever answers first decides what a name is.
   */
  leading(type: Type, registry?: string): NodeMirror | undefined {
    const protocol = PROTOCOLS[type]
    const [named] = this.#named.filter((mirror) => mirror.protocol === protocol)
    if (named) return named
    const kin = this.#mirrors.filter((mirror) => mirror.protocol === protocol)
    const usual = builtIns.find((mirror) => mirror.protocol === protocol)
    const asking = (upstreams: readonly string[] = []) =>
      kin.find((mirror) => upstreams.some((url) => isSame(placeOf(url), placeOf(mirror.upstreams[0] ?? ''))))
    if (registry !== undefined) {
      const place = placeOf(registry.replace(/\/*$/, '/'))
      const found = kin.find((mirror) => this.#isOwn(place, mirror)) ?? asking([registry])
      const isUsual = isDefaultRegistry(type, registry) || usual?.upstreams.some((url) => isSame(place, placeOf(url)))
      if (found || !isUsual) return found
    }
    return kin.find(({ name }) => name === usual?.name) ?? asking(usual?.upstreams)
  }

  /** A URL below a mirror's mount. */
  urlOf(mirror: NodeMirror, path: string): string {
    return this.base + mirror.path + path
  }

  /** The path below its mount of a URL that is of a mirror or of an upstream of it. */
  pathIn(mirror: NodeMirror, url: string): string | undefined {
    const place = placeOf(url)
    if (this.#isOwn(place, mirror) || isOfNode(place, mirror.path)) return place.path.slice(mirror.path.length)
    const upstream = upstreamsOf(mirror)
      .map(placeOf)
      .find((one) => isWithin(place, one))
    return upstream && place.path.slice(upstream.path.replace(/\/$/, '').length + 1)
  }

  #of(place: Place, kin: readonly NodeMirror[]): NodeMirror | undefined {
    const offers = kin.flatMap((mirror) => upstreamsOf(mirror).map((url) => ({ mirror, upstream: placeOf(url) })))
    const fit = offers.filter(({ upstream }) => isWithin(place, upstream) || isWithin(upstream, place))
    const best = fit.sort((one, other) => other.upstream.path.length - one.upstream.path.length)[0]
    return (
      best?.mirror ??
      kin.find((mirror) => this.#isOwn(place, mirror)) ??
      kin.find((mirror) => isOfNode(place, mirror.path)) ??
      this.#moved(place, kin)
    )
  }

  /**
   * Where this node has what other nodes have at the mount that is built in. Of mounts that somebody made up only the same one is
   * meant: names of one registry must not be asked for at another.
   */
  #moved(place: Place, kin: readonly NodeMirror[]): NodeMirror | undefined {
    const usual = builtIns.find(({ path, protocol }) => protocol === kin[0]?.protocol && isOfNode(place, path))
    return usual && !this.#mirrors.some(({ path }) => path === usual.path)
      ? kin.find(({ name }) => name === usual.name)
      : undefined
  }

  /** A lockfile that was written through the node names it, by any of the names that a machine has for itself. */
  #isOwn({ host, path }: Place, mirror: NodeMirror): boolean {
    if (!path.startsWith(mirror.path)) return false
    if (host === placeOf(this.base).host) return true
    const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined
    return url !== undefined && url.port === new URL(this.base).port && isOfThisMachine(url.hostname)
  }
}

/** Those that only some names are asked at, too. */
function upstreamsOf({ upstreams, routes = [] }: NodeMirror): string[] {
  return [...upstreams, ...routes.flatMap(({ upstream }) => (upstream === undefined ? [] : [upstream]))]
}

/** Whether a lockfile was written through another node of this machine, or one on the same machine name: they speak plain HTTP. */
function isOfNode({ scheme, host, path }: Place, mount: string): boolean {
  if (scheme !== 'http' || !path.startsWith(mount) || !URL.canParse(`http://${host}`)) return false
  const name = new URL(`http://${host}`).hostname
  return isOfThisMachine(name) || ownNames().has(name.replace(/^\[|\]$/g, ''))
}

function ownNames(): ReadonlySet<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
  return new Set([hostname().toLowerCase(), ...addresses])
}

interface Place {
  /** Lower case; undefined where it is left out. */
  readonly scheme: string | undefined
  /** With the port, if it is not the usual one. */
  readonly host: string
  readonly path: string
}

/** Package URLs leave the scheme out, and clients put words before it (`sparse+`). It makes no other place. */
function placeOf(text: string): Place {
  const [front = '', scheme] = /^(?:[a-z]+\+)?([a-z]+):\/\//i.exec(text) ?? []
  const bare = text.slice(front.length)
  const url = URL.canParse(`https://${bare}`) ? new URL(`https://${bare}`) : undefined
  return { scheme: scheme?.toLowerCase(), host: url?.host ?? bare, path: url?.pathname ?? '/' }
}

function isWithin(inner: Place, outer: Place): boolean {
  const folder = outer.path.replace(/\/*$/, '/')
  return inner.host === outer.host && inner.path.replace(/\/*$/, '/').startsWith(folder)
}

function isSame(one: Place, other: Place): boolean {
  return isWithin(one, other) && isWithin(other, one)
}

function isOfThisMachine(hostname: string): boolean {
  return hostname === 'host.docker.internal' || isLoopback({ host: hostOf({ hostname }) })
}

/** Whether clients mean their default by it: they come to the mirror for that, whatever its upstream is. */
function isDefaultRegistry(type: Type, repository: string): boolean {
  const registry = getDefaultRegistry(type)
  if (registry === null) return false
  const [place, usual] = [placeOf(repository), placeOf(registry)]
  if (isWithin(place, usual)) return true
  // The data know the web site; the index is a host below it, and was a git repository called after it.
  return type === 'cargo' && (place.host === `index.${usual.host}` || place.path.endsWith(`/${usual.host}-index`))
}
