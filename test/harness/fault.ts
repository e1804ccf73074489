import type { Answer, Trouble } from './answer.ts'
import { flippedBody } from './bodies.ts'
import { Random } from './random.ts'

/** Makes a worse answer of a good one. The same faults work on a scripted upstream and on a replay. */
export type Fault = (answer: Answer) => Answer

/** Applies faults from left to right. */
export function spoil(answer: Answer, ...faults: Fault[]): Answer {
  return faults.reduce((spoilt, fault) => fault(spoilt), answer)
}

/** Answers something else altogether, whatever is there. */
export function instead(other: Answer): Fault {
  return () => other
}

/** Holds back the headers for `ms`. */
export function delay(ms: number): Fault {
  return trouble({ delayMs: ms })
}

/** Goes silent after `bytes` of the body, with the connection open. */
export function stallAfter(bytes: number): Fault {
  return trouble({ stallAfter: bytes })
}

/** Breaks the connection after `bytes` of the body, by default with a reset. */
export function cutAfter(bytes: number, by: 'fin' | 'rst' = 'rst'): Fault {
  return trouble({ cutAfter: bytes, cutBy: by })
}

/** Breaks each connection after another number of bytes, from 1 to `most`; the same ones for the same seed. */
export function cutAtRandom(seed: number, most: number, by: 'fin' | 'rst' = 'rst'): Fault {
  const random = new Random(seed)
  return (answer) => cutAfter(random.between(1, most), by)(answer)
}

/** Takes the request and resets the connection without a word. */
export function hangUp(by: 'fin' | 'rst' = 'rst'): Fault {
  return trouble({ cutAfter: -1, cutBy: by })
}

/** Changes the byte at `offset` of the representation, so that a lie stays a lie when it is asked for by Range. */
export function flip(offset: number): Fault {
  return (answer) => ({ ...answer, open: () => flippedBody(answer.open(), offset) })
}

/** Promises `bytes` in Content-Length. When that is too much the connection ends early; when too little, bytes run over. */
export function declare(bytes: number): Fault {
  return (answer) => ({ ...answer, framing: 'length', trouble: { ...answer.trouble, declaredLength: bytes } })
}

/** Sends without Content-Length, in chunks. */
export function chunked(): Fault {
  return (answer) => ({ ...answer, framing: 'chunked' })
}

/** Sends without Content-Length and without chunks: the end of the connection is the end of the body. */
export function untilClose(): Fault {
  return (answer) => ({ ...answer, framing: 'close' })
}

/** Sends every byte in chunks, but never the last chunk. */
export function endless(then: 'stall' | 'fin' = 'stall'): Fault {
  return (answer) => ({ ...answer, framing: 'chunked', trouble: { ...answer.trouble, endless: then } })
}

/** Sends `bytes` at a time, `everyMs` apart. */
export function drip(bytes: number, everyMs: number): Fault {
  return trouble({ drip: { bytes, everyMs } })
}

/** Sets headers; an empty string removes one. */
export function headers(changes: Answer['headers']): Fault {
  return (answer) => {
    const kept = Object.entries({ ...answer.headers, ...changes }).filter(([, value]) => value !== '')
    return { ...answer, headers: Object.fromEntries(kept) }
  }
}

/** Claims a content coding that the bytes do not have. */
export function labelled(coding = 'gzip'): Fault {
  return headers({ 'content-encoding': coding })
}

/** Ignores Range and conditions, as a simple server would. */
export function rangeless(): Fault {
  return (answer) => ({ ...answer, ranges: false })
}

function trouble(more: Trouble): Fault {
  return (answer) => ({ ...answer, trouble: { ...answer.trouble, ...more } })
}
