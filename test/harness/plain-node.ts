import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { guardedTcp } from '../../node/mesh/host/dial-guard.ts'
import { CONNECTION_LIMITS } from '../../node/mesh/host/limits.ts'

/** A libp2p node with the transport and the limits of a member, but in no mesh: whoever dials it is let in. */
export function plainNode(...listen: string[]) {
  return createLibp2p({
    addresses: { listen },
    transports: [guardedTcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: CONNECTION_LIMITS,
    services: { identify: identify() },
  })
}
