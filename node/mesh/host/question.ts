import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import type { z } from 'zod'

/** A question that members ask each other: one JSON object each way, on a stream of its own. */
export interface Question<Answer> {
  /** Its name and version, as libp2p negotiates it. */
  readonly protocol: string
  /** What an answer has to be. */
  readonly schema: z.ZodType<Answer>
  /** Bytes that an answer may have. */
  readonly maxBytes: number
  /** Ms that it may take. */
  readonly limit: number
}

/** Asks a member; rejects when it does not answer in time, or with something else. */
export async function ask<Answer>(connection: Connection, question: Question<Answer>, signal: AbortSignal): Promise<Answer> {
  const bounded = { signal: AbortSignal.any([signal, AbortSignal.timeout(question.limit)]) }
  const stream = await connection.newStream(question.protocol, bounded)
  try {
    const messages = lpStream(stream, { maxDataLength: question.maxBytes })
    await messages.write(Buffer.from('{"v":1}'), bounded)
    const answer = await messages.read(bounded)
    return question.schema.parse(JSON.parse(Buffer.from(answer.subarray()).toString()))
  } finally {
    stream.close().catch((error: Error) => stream.abort(error))
  }
}

/** Answers a question of members, one at a time for each of them: an answer may cost something. */
export async function answerWith<Answer>(
  libp2p: Libp2p,
  question: Question<Answer>,
  answer: (peer: string, signal: AbortSignal) => Answer | Promise<Answer>,
): Promise<void> {
  const asking = new Set<string>()
  const reply = async (stream: Stream, peer: string) => {
    const bounded = { signal: AbortSignal.timeout(question.limit) }
    if (asking.has(peer)) throw new Error('one question at a time')
    asking.add(peer)
    try {
      const messages = lpStream(stream, { maxDataLength: MAX_QUESTION_BYTES })
      // What it says is of no interest yet; a later version may ask for something.
      await messages.read(bounded)
      await messages.write(Buffer.from(JSON.stringify(await answer(peer, bounded.signal))), bounded)
      await stream.close(bounded)
    } finally {
      asking.delete(peer)
    }
  }
  const onStream = (stream: Stream, connection: Connection) => {
    reply(stream, connection.remotePeer.toString()).catch((error: Error) => stream.abort(error))
  }
  await libp2p.handle(question.protocol, onStream, { maxInboundStreams: 2, maxOutboundStreams: 2 })
}

const MAX_QUESTION_BYTES = 256
