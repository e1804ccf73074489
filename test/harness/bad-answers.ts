import type { Role } from '../../node/trust/standing.ts'
import { answer, redirect, serve } from './answer.ts'
import { chunked, cutAfter, declare, drip, type Fault, flip, hangUp, headers, instead, stallAfter } from './fault.ts'
import type { Random } from './random.ts'

/** How a member answers for one blob. */
export interface Behaviour {
  readonly name: string
  /** What is wrong with what it has. */
  readonly faults: readonly Fault[]
  /** What is wrong with the part of it that it sends. */
  readonly partly?: Fault
  /** Offset of the first byte that shows that this is not the blob; undefined when nothing that it sends does. */
  readonly liesAt?: number
  /** Whether it passes off less for the whole, where it is asked for the whole. */
  readonly short?: boolean
  /** Whether it may tell a wrong length, although it is not sure that anybody hears that. */
  readonly miscounts?: boolean
  /** Whether it breaks off, however much it sends. */
  readonly cuts?: boolean
  /** Whether the blob can be had from it, whole and right. */
  readonly good?: boolean
  /** Whether the member is gone altogether after its answer. */
  readonly dies?: boolean
  /** Whether it keeps the other side waiting for as long as that bears it. */
  readonly stalls?: boolean
}

type Maker = (bytes: Buffer, random: Random) => Omit<Behaviour, 'name'>

const MS_PER_BYTE = 1_000
const DRIPS = 'sends a byte a second'

function some(bytes: Buffer, random: Random): number {
  return random.between(0, bytes.length - 1)
}

/** Everything that a member may do when it is asked for a blob, by name. */
const MAKERS: Readonly<Record<string, Maker>> = {
  'answers 404 though it said that it has it': () => ({ faults: [instead(answer(404))] }),
  'hangs up before it says anything': () => ({ faults: [hangUp()] }),
  'resets the connection': (bytes, random) => ({ faults: [cutAfter(some(bytes, random))] }),
  'ends the connection early': (bytes, random) => ({ faults: [cutAfter(some(bytes, random), 'fin')] }),
  'goes silent': (bytes, random) => ({ faults: [stallAfter(some(bytes, random))], stalls: true }),
  'goes silent after a lie': (bytes, random) => {
    const liesAt = some(bytes, random)
    return { faults: [flip(liesAt), stallAfter(random.between(liesAt + 1, bytes.length))], liesAt, stalls: true }
  },
  'breaks off after a lie': (bytes, random) => {
    const liesAt = some(bytes, random)
    return { faults: [flip(liesAt), cutAfter(random.between(liesAt + 1, bytes.length), 'fin')], liesAt }
  },
  'sends a wrong byte': (bytes, random) => {
    const liesAt = some(bytes, random)
    return { faults: [flip(liesAt)], liesAt }
  },
  'says that there is less': (bytes, random) => ({ faults: [declare(some(bytes, random))], short: true }),
  'says that there is more': (bytes) => ({ faults: [declare(bytes.length + 100_000)], miscounts: true }),
  'does not say how much there is': () => ({ faults: [chunked()] }),
  'does not say how much there is and ends early': (bytes, random) => ({
    faults: [instead(serve(bytes.subarray(0, some(bytes, random)))), chunked()],
    miscounts: true,
  }),
  'has less': (bytes, random) => ({ faults: [instead(serve(bytes.subarray(0, some(bytes, random))))], short: true }),
  'has more': (bytes, random) => ({
    faults: [instead(serve(Buffer.concat([bytes, Buffer.alloc(random.between(1, 100_000), 'more')])))],
    liesAt: bytes.length,
  }),
  'sends more than there is and breaks off': (bytes, random) => {
    const more = Buffer.concat([bytes, Buffer.alloc(100_000, 'more')])
    const sends = random.between(bytes.length + 1, more.length - 1)
    return { faults: [instead(serve(more)), cutAfter(sends, 'fin')], liesAt: bytes.length, cuts: true }
  },
  'has something else': (bytes) => ({
    faults: [instead(serve(Buffer.concat([Buffer.of(~(bytes[0] ?? 0) & 0xff), Buffer.alloc(bytes.length - 1, 'else')])))],
    liesAt: 0,
  }),
  [DRIPS]: () => ({ faults: [drip(1, MS_PER_BYTE)], stalls: true }),
  'goes on elsewhere': () => ({ faults: [], partly: headers({ 'content-range': 'bytes 5-9/10' }) }),
  'is busy': () => ({ faults: [instead(answer(503, 'later'))] }),
  'sends whoever asks elsewhere': () => ({ faults: [instead(redirect('http://127.0.0.1:9/elsewhere'))] }),
  dies: (bytes, random) => ({ faults: [cutAfter(some(bytes, random))], dies: true }),
}

export const HONEST: Behaviour = { name: 'is honest', faults: [], good: true }

/** A way to misbehave with these bytes. */
export function anyBehaviour(bytes: Buffer, random: Random, role: Role): Behaviour {
  // A seed may take its time: what it sends goes out while it comes.
  const all = Object.entries(MAKERS).filter(([name]) => role !== 'seed' || name !== DRIPS)
  const [name, make] = all[random.between(0, all.length - 1)] as [string, Maker]
  return { name, ...make(bytes, random) }
}
