import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import type { Channel } from './channel.ts'
import { MAX_ASK_BYTES, MAX_FRAME_BYTES } from './constants.ts'

const PROTOCOL = '/warren/inventory/1.0.0'

/** Begins a conversation about what a connected member has. */
export async function openInventory(libp2p: Libp2p, peer: string, signal: AbortSignal): Promise<Channel> {
  const [connection] = libp2p.getConnections(peerIdFromString(peer))
  if (!connection) throw new Error('this member is not connected')
  return channelOver(await connection.newStream(PROTOCOL, { signal }), MAX_FRAME_BYTES)
}

/** Lets members begin such conversations. */
export async function answerInventory(libp2p: Libp2p, serve: (peer: string, channel: Channel) => Promise<void>): Promise<void> {
  const onStream = (stream: Stream, connection: Connection) => {
    void serve(connection.remotePeer.toString(), channelOver(stream, MAX_ASK_BYTES))
  }
  // A second one of the same member ends the first.
  await libp2p.handle(PROTOCOL, onStream, { maxInboundStreams: 2, maxOutboundStreams: 2 })
}

/** Never more than one message waits on either side: each is sent only when the last one was answered. */
function channelOver(stream: Stream, maxDataLength: number): Channel {
  const messages = lpStream(stream, { maxDataLength, maxBufferSize: maxDataLength + 16 })
  return {
    send: (bytes, signal) => messages.write(bytes, { signal }),
    receive: async (signal) => (await messages.read({ signal })).subarray(),
    close: () => void stream.close().catch((error: Error) => stream.abort(error)),
  }
}
