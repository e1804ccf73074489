import { createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { PeerDiscovery, Startable } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { isPrivate } from '@libp2p/utils'
import type { Logger } from 'pino'
import { reasonOf } from '../../errors.ts'

type Components = Parameters<ReturnType<typeof mdns>>[0]

/** UDP port of mDNS (RFC 6762 section 3). */
const PORT = 5353
/** Addresses that are told: with more the answer would not fit into one packet of an Ethernet. */
const MAX_TOLD = 6

export interface MdnsInit {
  /** The service that is asked for and answered for. */
  readonly tag: string
  readonly log: Logger
  readonly port?: number
  /** Where questions and answers are sent to; the group of mDNS if not set. */
  readonly group?: string
}

/**
 * The service by which members of a mesh find each other in a network. Made of the mesh secret, so that it tells strangers no
 * name. A service name has 15 characters at most (RFC 6763 section 7.2), which keeps meshes apart and is no secret to rely on.
 */
export function mdnsTag(secret: Buffer): string {
  return `_warren-${createHmac('sha256', secret).update('mdns').digest('hex').slice(0, 8)}._udp.local`
}

/**
 * Finds members in the same network. Whoever is in that network hears that there is a node, its peer id, and at which private
 * addresses it listens; and anybody there may claim to be anybody, which the handshake finds out.
 */
export function mdnsDiscovery({ tag, log, port = PORT, group }: MdnsInit): (components: Components) => PeerDiscovery {
  return ({ logger, addressManager }) => {
    const getAddresses = () => addressManager.getAddresses().filter(isPrivate).slice(0, MAX_TOLD)
    // A name that is made anew each time tells nothing, and is how a node knows its own answers.
    const peerName = randomBytes(8).toString('hex')
    const init = { serviceTag: tag, peerName, port, ...(group !== undefined && { ip: group }) }
    const discovery = mdns(init)({ logger, addressManager: { ...addressManager, getAddresses } }) as PeerDiscovery & Startable
    const start = discovery.start.bind(discovery)
    discovery.start = async () => {
      try {
        await tryMulticast(port)
      } catch (error) {
        log.warn(`members in the same network are not found by themselves: mDNS is not possible here: ${reasonOf(error)}`)
        return
      }
      await start()
    }
    return discovery
  }
}

/** What the library does in an event of its socket, where an error would end the process. Rejects when that is not allowed. */
async function tryMulticast(port: number): Promise<void> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    const listening = once(socket, 'listening')
    socket.bind(port)
    await listening
    socket.setMulticastTTL(255)
    socket.setMulticastLoopback(true)
  } finally {
    socket.close()
  }
}
