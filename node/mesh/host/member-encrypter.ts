import { noise } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { ADMISSION_LIMIT, type Admitted, type Gate, MAX_CARD_BYTES } from '../gate.ts'

type NoiseComponents = Parameters<ReturnType<typeof noise>>[0]

export interface MemberEncrypterInit {
  /** Shared by all members; strangers without it fail in the handshake. */
  readonly secret: Buffer
  readonly gate: Gate
  /** Hears of everybody who got in. */
  onAdmitted(admitted: Admitted): void
}

/**
 * Noise (libp2p noise spec, XX) and, right behind it, the cards of both sides: kad-dht and whatever else speaks over a
 * connection never see a stranger. The mesh secret is the prologue (Noise spec section 6), which is only the first gate: whoever
 * got hold of it still has no certificate.
 */
export function memberEncrypter(init: MemberEncrypterInit): (components: NoiseComponents) => ConnectionEncrypter {
  const prologueBytes = Buffer.concat([Buffer.from('warren mesh v1\n'), init.secret])
  return (components) => new MemberEncrypter(noise({ prologueBytes })(components), init)
}

class MemberEncrypter implements ConnectionEncrypter {
  readonly protocol: string
  readonly #noise: ConnectionEncrypter
  readonly #init: MemberEncrypterInit

  constructor(inner: ConnectionEncrypter, init: MemberEncrypterInit) {
    this.protocol = inner.protocol
    this.#noise = inner
    this.#init = init
  }

  async secureOutbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    const bounded = within(options)
    const secured = await this.#noise.secureOutbound(connection, bounded)
    return this.#admit(secured, async (cards) => {
      await cards.write(this.#init.gate.card(), bounded)
      return (await cards.read(bounded)).subarray()
    })
  }

  async secureInbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    const bounded = within(options)
    const secured = await this.#noise.secureInbound(connection, bounded)
    return this.#admit(secured, async (cards) => (await cards.read(bounded)).subarray(), bounded)
  }

  /** Whoever has `answer` set has been dialled: its own card goes out only to somebody who convinced. */
  async #admit(
    secured: SecuredConnection,
    theirs: (cards: ReturnType<typeof lpStream>) => Promise<Uint8Array>,
    answer?: SecureConnectionOptions,
  ): Promise<SecuredConnection> {
    const { gate, onAdmitted } = this.#init
    const cards = lpStream(secured.connection, { maxDataLength: MAX_CARD_BYTES, maxBufferSize: MAX_BEHIND_CARD })
    const peer = secured.remotePeer.toString()
    try {
      const card = Buffer.from(await theirs(cards))
      try {
        onAdmitted(gate.admit(peer, card))
      } catch (error) {
        const farewell = answer && gate.farewell(peer, card)
        if (farewell) await cards.write(farewell, answer)
        throw error
      }
      if (answer) await cards.write(gate.card(), answer)
      const connection = cards.unwrap()
      connection.maxWriteBufferLength = MAX_UNREAD
      return { ...secured, connection }
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      secured.connection.abort(reason)
      throw reason
    }
  }
}

/** Bytes that may wait behind a card: the first words of a muxer, not a flood from somebody who was not judged yet. */
const MAX_BEHIND_CARD = 64 << 10
/**
 * Bytes that may wait for a member that does not read; with more it is hung up on. Streams have windows, but yamux answers pings
 * whether or not anybody takes the answers.
 */
const MAX_UNREAD = 2 << 20

function within(options: SecureConnectionOptions | undefined): SecureConnectionOptions & { signal: AbortSignal } {
  const limit = AbortSignal.timeout(ADMISSION_LIMIT)
  return { ...options, signal: options?.signal ? AbortSignal.any([options.signal, limit]) : limit }
}
