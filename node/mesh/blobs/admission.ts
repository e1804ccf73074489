import type { TLSSocket } from 'node:tls'
import { WarrenError } from '../../errors.ts'
import { type Admitted, type Gate, MAX_CARD_BYTES } from '../gate.ts'
import { PROTOCOL } from './constants.ts'
import { peerOfSocket } from './identity-certificate.ts'

/** A card on the wire: its length in two bytes, then itself. */
const LENGTH_BYTES = 2

/**
 * Judges whoever connected, after the TLS handshake: its card first, and only if that convinces the own. On failure the socket is
 * destroyed without a byte to the other side. Whoever sets a limit of time destroys the socket.
 *
 * Throws what `gate` throws, UNTRUSTED, or UPSTREAM_UNREACHABLE when the other side left.
 */
export function admitAsServer(socket: TLSSocket, gate: Gate): Promise<Admitted> {
  return orDestroy(socket, async () => {
    const peer = await provenPeer(socket)
    const admitted = gate.admit(peer, await readCard(socket))
    socket.write(frame(gate.card()))
    return admitted
  })
}

/**
 * Introduces this node to the server that it dialled, which has to be `peer`: to nobody else the own card is shown.
 * As `admitAsServer` otherwise.
 */
export function admitAsClient(socket: TLSSocket, gate: Gate, peer: string): Promise<Admitted> {
  return orDestroy(socket, async () => {
    const proven = await provenPeer(socket)
    if (proven !== peer) throw new WarrenError('UNTRUSTED', `there is ${proven} where ${peer} was expected`)
    socket.write(frame(gate.card()))
    return gate.admit(peer, await readCard(socket))
  })
}

async function orDestroy(socket: TLSSocket, admit: () => Promise<Admitted>): Promise<Admitted> {
  try {
    return await admit()
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function provenPeer(socket: TLSSocket): Promise<string> {
  if (socket.alpnProtocol !== PROTOCOL) throw new WarrenError('UNTRUSTED', `the other side does not speak ${PROTOCOL}`)
  return await peerOfSocket(socket)
}

function frame(card: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt16BE(card.length)
  return Buffer.concat([length, card])
}

/** Takes exactly the card from the socket: what came behind it is for whoever reads on. */
function readCard(socket: TLSSocket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let length: number | undefined
    const settle = (result: Buffer | WarrenError) => {
      socket.off('readable', onReadable).off('end', onLeft).off('close', onLeft)
      if (Buffer.isBuffer(result)) resolve(result)
      else reject(result)
    }
    const onLeft = () => settle(new WarrenError('UPSTREAM_UNREACHABLE', 'the other side left before it had shown its card'))
    const onReadable = () => {
      // At its end a stream gives what is left, however much was asked for.
      if (length === undefined) {
        const bytes: Buffer | null = socket.read(LENGTH_BYTES)
        if (bytes?.length !== LENGTH_BYTES) return
        length = bytes.readUInt16BE()
        if (length === 0 || length > MAX_CARD_BYTES) {
          settle(new WarrenError('UNTRUSTED', `what came is no card: that has 1 to ${MAX_CARD_BYTES} bytes, not ${length}`))
          return
        }
      }
      const card: Buffer | null = socket.read(length)
      if (card?.length === length) settle(card)
    }
    if (socket.destroyed || socket.readableEnded) return onLeft()
    socket.on('readable', onReadable).on('end', onLeft).on('close', onLeft)
    onReadable()
  })
}
