import type { TLSSocket } from 'node:tls'
import type { Admitted } from '../gate.ts'

/** Sockets of members that were admitted, and what each owes. */
export class Guests {
  readonly #perPeer: number
  readonly #members = new Map<TLSSocket, Admitted>()
  readonly #count = new Map<string, number>()
  /** Answers that a socket is to carry. */
  readonly #owed = new Map<TLSSocket, number>()

  /** @param perPeer sockets that one member may have */
  constructor(perPeer: number) {
    this.#perPeer = perPeer
  }

  /** False when the member has too many, or the socket is closed already. */
  add(socket: TLSSocket, member: Admitted): boolean {
    const count = this.#count.get(member.peer) ?? 0
    if (socket.destroyed || count >= this.#perPeer) return false
    this.#members.set(socket, member)
    this.#count.set(member.peer, count + 1)
    socket.once('close', () => this.#remove(socket, member.peer))
    return true
  }

  memberOf(socket: TLSSocket): Admitted | undefined {
    return this.#members.get(socket)
  }

  /** Answers that the socket is to carry, the new one included. */
  owes(socket: TLSSocket): number {
    const owed = (this.#owed.get(socket) ?? 0) + 1
    this.#owed.set(socket, owed)
    return owed
  }

  /** Answers that the socket still has to carry. */
  paid(socket: TLSSocket): number {
    const owed = (this.#owed.get(socket) ?? 1) - 1
    if (owed > 0) this.#owed.set(socket, owed)
    else this.#owed.delete(socket)
    return owed
  }

  cut(isCut: (member: Admitted) => boolean): void {
    for (const [socket, member] of this.#members) if (isCut(member)) socket.destroy()
  }

  destroyIdle(): void {
    for (const socket of this.#members.keys()) if (!this.#owed.has(socket)) socket.destroySoon()
  }

  #remove(socket: TLSSocket, peer: string): void {
    this.#members.delete(socket)
    this.#owed.delete(socket)
    const left = (this.#count.get(peer) ?? 1) - 1
    if (left > 0) this.#count.set(peer, left)
    else this.#count.delete(peer)
  }
}
