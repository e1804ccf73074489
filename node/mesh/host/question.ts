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
  /** Bytes that the question itself may have; those of one without details when left out. */
  readonly maxAskedBytes?: number
}

/** Asks a member, with what it has to know for the answer; rejects when it does not answer in time, or with something else. */
export async function ask<Answer>(
  connection: Connection,
  question: Question<Answer>,
  signal: AbortSignal,
  details: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const bounded = { signal: AbortSignal.any([signal, AbortSignal.timeout(question.limit)]) }
  const stream = await connection.newStream(question.protocol, bounded)
  try {
    const messages = lpStream(stream, { maxDataLength: question.maxBytes })
    await messages.write(Buffer.from(JSON.stringify({ v: 1, ...details })), bounded)
    const answer = await messages.read(bounded)
    return question.schema.parse(JSON.parse(Buffer.from(answer.subarray()).toString()))
  } finally {
    stream.close().catch((error: Error) => stream.abort(error))
  }
}

/**
 * Answers a question of members, one at a time for each of them: an answer may cost something. `asked` is the text of the
 * question, which may be anything.
 */
export async function answerWith<Answer>(
  libp2p: Libp2p,
  question: Pick<Question<Answer>, 'protocol' | 'limit' | 'maxAskedBytes'>,
  answer: (peer: string, signal: AbortSignal, asked: string) => Answer | Promise<Answer>,
): Promise<void> {
  const asking = new Set<string>()
  const reply = async (stream: Stream, peer: string) => {
    const bounded = { signal: AbortSignal.timeout(question.limit) }
    if (asking.has(peer)) throw new Error('one question at a time')
    asking.add(peer)
    try {
      const messages = lpStream(stream, { maxDataLength: question.maxAskedBytes ?? MAX_QUESTION_BYTES })
      const asked = Buffer.from((await messages.read(bounded)).subarray()).toString()
      await messages.write(Buffer.from(JSON.stringify(await answer(peer, bounded.signal, asked))), bounded)
    } finally {
      // Whoever has its answer may ask again at once, before this stream is closed.
      asking.delete(peer)
    }
    await stream.close(bounded)
  }
  const onStream = (stream: Stream, connection: Connection) => {
    reply(stream, connection.remotePeer.toString()).catch((error: Error) => stream.abort(error))
  }
  await libp2p.handle(question.protocol, onStream, { maxInboundStreams: 2, maxOutboundStreams: 2 })
}

const MAX_QUESTION_BYTES = 256
