import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { Digest } from '../../node/digest.ts'
import { KAD_PROTOCOL } from '../../node/mesh/dht/kad.ts'
import { cidOf } from '../../node/mesh/dht/multihash.ts'

/** Numbers of kad-dht's messages and of their fields (libp2p specification kad-dht, «RPC messages»). */
const ADD_PROVIDER = 2
const GET_PROVIDERS = 3
const [TYPE, KEY, PROVIDERS] = [1, 2, 9]
const [ID, ADDRESSES] = [1, 2]
/** Records in one stream: a member takes 64 KiB in each. */
const RECORDS_A_STREAM = 300
const MAX_REPLY_BYTES = 1 << 20
/** Nothing listens there. */
const NOWHERE = multiaddr('/ip4/127.0.0.1/tcp/1').bytes

/** Tells a server of the DHT that `provider` has all these, as fast as it takes them. Resolves once it has dealt with all. */
export async function claimAll(connection: Connection, provider: string, digests: readonly Digest[]): Promise<void> {
  const id = idOf(provider)
  for (let at = 0; at < digests.length; at += RECORDS_A_STREAM) {
    const messages = digests.slice(at, at + RECORDS_A_STREAM).map((digest) => {
      const entry = Buffer.concat([field(ID, id), field(ADDRESSES, NOWHERE)])
      return Buffer.concat([number(TYPE, ADD_PROVIDER), field(KEY, keyOf(digest)), field(PROVIDERS, entry)])
    })
    // It answers none of those, and this one after all of them.
    await exchange(connection, [...messages, asking(digests[at] as Digest)])
  }
}

/** Peer ids of those of whom a server says that they have it. */
export async function providersOf(connection: Connection, digest: Digest): Promise<string[]> {
  const reply = await exchange(connection, [asking(digest)])
  const ids = fieldsOf(reply)
    .filter(([tag]) => tag === PROVIDERS)
    .flatMap(([, entry]) => fieldsOf(entry).filter(([tag]) => tag === ID))
  return ids.map(([, id]) => id.toString('base64'))
}

/** As `providersOf` gives it. */
export const providerName = (peer: string) => Buffer.from(idOf(peer)).toString('base64')

const asking = (digest: Digest) => Buffer.concat([number(TYPE, GET_PROVIDERS), field(KEY, keyOf(digest))])
const keyOf = (digest: Digest) => cidOf(digest).multihash.bytes
const idOf = (peer: string) => peerIdFromString(peer).toMultihash().bytes

/** Sends messages one after the other on one stream; the answer to the last one. */
async function exchange(connection: Connection, sent: readonly Buffer[]): Promise<Buffer> {
  const signal = AbortSignal.timeout(60_000)
  const stream = await connection.newStream(KAD_PROTOCOL, { signal })
  try {
    const messages = lpStream(stream, { maxDataLength: MAX_REPLY_BYTES })
    for (const message of sent) await messages.write(message, { signal })
    return Buffer.from((await messages.read({ signal })).subarray())
  } finally {
    stream.close().catch((error: Error) => stream.abort(error))
  }
}

/** A number in Protocol Buffers: its tag, of wire type 0, and a small value. */
function number(tag: number, value: number): Buffer {
  return Buffer.of(tag << 3, value)
}

/** Bytes in Protocol Buffers: tag of wire type 2, length, bytes. */
function field(tag: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of((tag << 3) | 2, bytes.length), bytes])
}

/** All fields of bytes in a message; numbers are passed over. */
function fieldsOf(message: Buffer): [tag: number, bytes: Buffer][] {
  const fields: [number, Buffer][] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(at++)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const value = varint()
    if ((tag & 7) === 0) continue
    fields.push([tag >> 3, message.subarray(at, at + value)])
    at += value
  }
  return fields
}
