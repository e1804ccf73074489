import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { Connection, Transport } from '@libp2p/interface'
import { type TCPOptions, tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'

type Components = Parameters<ReturnType<typeof tcp>>[0]
type DialOptions = Parameters<Transport['dial']>[1]

/**
 * TCP whose sockets cannot end the process. Between a dial that was given up or has just succeeded and the connection that is
 * made of it, @libp2p/tcp listens to no 'error' of the socket, and a refused dial is reset at just that time. Node happens to
 * listen itself for as long as the dial has a signal; that is no promise of it, so each socket gets a listener for life.
 *
 * Accepted sockets need none: the connection is made of them in the event that brings them, or they are destroyed in there.
 */
export function guardedTcp(init: TCPOptions = {}): (components: Components) => Transport {
  return (components) => {
    const transport = tcp(init)(components)
    const dial = transport.dial.bind(transport)
    transport.dial = (address: Multiaddr, options: DialOptions): Promise<Connection> => {
      subscribe('net.client.socket', guard)
      try {
        // Makes its socket before it waits for anything, so that no other socket of the process is met here.
        return dial(address, options)
      } finally {
        unsubscribe('net.client.socket', guard)
      }
    }
    return transport
  }
}

function guard(message: unknown): void {
  const { socket } = message as { socket: Socket }
  socket.on('error', ignore)
}

/** Whoever dials hears of it from the dial, whoever is connected from the connection. */
function ignore(): void {}
