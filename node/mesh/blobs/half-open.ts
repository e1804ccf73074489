import type { Socket } from 'node:net'

export interface HalfOpenInit {
  /** How many there may be. */
  readonly total: number
  /** How many there may be from one address. */
  readonly perAddress: number
  /** Ms that each may take to be admitted. */
  readonly limit: number
}

/** Connections of which nobody knows yet whose they are. Strangers can fill this place, but neither memory nor time. */
export class HalfOpen {
  readonly #init: HalfOpenInit
  /** How each is forgotten, by `endpointOf`. */
  readonly #forget = new Map<string, () => void>()
  readonly #sockets = new Set<Socket>()
  readonly #perAddress = new Map<string, Set<Socket>>()

  constructor(init: HalfOpenInit) {
    this.#init = init
  }

  /**
   * False for one that has left already. When there are too many, in all or of its address, the oldest of them has to go: a member
   * needs some milliseconds to be admitted, and must not find the door closed because strangers stand in it, be it at other addresses
   * or, where many are behind one, at its own.
   */
  add(socket: Socket): boolean {
    const endpoint = endpointOf(socket)
    const address = socket.remoteAddress
    if (endpoint === undefined || address === undefined) return false
    const ofAddress = this.#perAddress.get(address) ?? new Set()
    if (ofAddress.size >= this.#init.perAddress) this.#dropOldest(ofAddress)
    else if (this.#sockets.size >= this.#init.total) this.#dropOldest(this.#sockets)
    this.#perAddress.set(address, ofAddress.add(socket))
    this.#sockets.add(socket)
    const timer = setTimeout(() => socket.destroy(), this.#init.limit)
    const forget = () => {
      clearTimeout(timer)
      socket.off('close', forget)
      this.#forget.delete(endpoint)
      this.#sockets.delete(socket)
      ofAddress.delete(socket)
      if (ofAddress.size === 0 && this.#perAddress.get(address) === ofAddress) this.#perAddress.delete(address)
    }
    this.#forget.set(endpoint, forget)
    socket.once('close', forget)
    return true
  }

  /** Lets go of one that was admitted; `socket` may be the TLS socket around it. */
  admitted(socket: Socket): void {
    const endpoint = endpointOf(socket)
    if (endpoint !== undefined) this.#forget.get(endpoint)?.()
  }

  #dropOldest(of: ReadonlySet<Socket>): void {
    const [oldest] = of
    if (!oldest) return
    this.#forget.get(endpointOf(oldest) ?? '')?.()
    oldest.destroy()
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** The same for a TLS socket and the one that it wraps; undefined for one that is closed. */
function endpointOf({ remoteAddress, remotePort, localAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress}|${remotePort}|${localAddress}`
}
