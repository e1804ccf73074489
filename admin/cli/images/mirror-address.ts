import { networkInterfaces } from 'node:os'
import { isLoopback, isWildcard } from '../../../node/tcp-address.ts'
import { hostOf } from '../same-listener.ts'

/** An address that listens everywhere is no address to go to: that of the same machine instead. */
export function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

/**
 * Where the mirrors of a node are for whoever found its admin API at `admin`. Throws Error for a node on another machine whose
 * mirrors are only for that one: the same address here would be another node.
 */
export function mirrorAddress(listen: readonly string[], admin: string): string {
  const host = admin.startsWith('unix:') ? 'localhost' : hostOf(new URL(admin))
  if (isLoopback({ host }) || isWildcard({ host })) {
    const [first] = listen
    if (first === undefined) throw new Error(`the node at ${admin} has no mirrors (listen is empty)`)
    // What took over a port of this machine could lead clients anywhere; a socket belongs to whoever made its folder.
    if (!admin.startsWith('unix:') && !isOfThisMachine(hostOf(new URL(first))))
      throw new Error(`what answers at ${admin} has its mirrors at ${first}, which is no address of this machine`)
    return reachable(first)
  }
  const everywhere = listen.find((url) => isWildcard({ host: hostOf(new URL(url)) }))
  if (everywhere !== undefined) {
    const url = new URL(everywhere)
    url.hostname = new URL(admin).hostname
    return url.origin
  }
  const open =
    listen.find((url) => hostOf(new URL(url)) === host) ?? listen.find((url) => !isLoopback({ host: hostOf(new URL(url)) }))
  if (open !== undefined) return open
  throw new Error(`the node at ${admin} has mirrors for its own machine only (${listen.join(', ')}); run the command there`)
}

function isOfThisMachine(host: string): boolean {
  if (isLoopback({ host }) || isWildcard({ host })) return true
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host))
}

/** Without the brackets of IPv6. */
