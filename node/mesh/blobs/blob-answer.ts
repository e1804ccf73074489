import { reasonOf, WarrenError } from '../../errors.ts'
import type { WireResponse } from '../../wire/exchange.ts'

/** Which bytes of a blob an answer carries. */
export interface BlobAnswer {
  /** Bytes of the whole blob. */
  readonly size: number
  /** Whether there is anything to read. */
  readonly empty: boolean
}

const CONTENT_RANGE = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/
const UNSATISFIED = /^bytes \*\/(\d{1,16})$/

/**
 * Judges the head of an answer to a request for a blob from `start` on. Strictly: the other side runs the same software, and a
 * blob that is put together of wrong parts costs everything that came before.
 *
 * Throws UPSTREAM_ABSENT, UPSTREAM_BUSY or UPSTREAM_FAILED, and UPSTREAM_CORRUPT when the blob ends before `start`: then it may be
 * the asker's bytes that are not of this blob.
 */
export function judgeHead({ status, headers }: WireResponse, start: number, peer: string): BlobAnswer {
  if (status === 404) throw new WarrenError('UPSTREAM_ABSENT', `member ${peer} does not hold it`)
  if (status === 429 || status === 503) throw new WarrenError('UPSTREAM_BUSY', `member ${peer} is busy`)
  if (status === 416 && start > 0) {
    const size = numberOf(UNSATISFIED.exec(headers['content-range'] ?? '')?.[1])
    if (size === start) return { size, empty: true }
    if (size !== undefined && size < start) {
      throw new WarrenError(
        'UPSTREAM_CORRUPT',
        `member ${peer} says that the blob has ${size} bytes, where ${start} are known of it`,
      )
    }
    throw wrong(peer, `says that the blob has ${size ?? 'no known number of'} bytes and none from ${start} on`)
  }
  if (status !== (start > 0 ? 206 : 200)) throw wrong(peer, `answered ${status}`)
  const length = numberOf(headers['content-length'])
  if (length === undefined) throw wrong(peer, 'does not say how many bytes are to come')
  if (start === 0) return { size: length, empty: length === 0 }
  const [first, last, size] = (CONTENT_RANGE.exec(headers['content-range'] ?? '') ?? []).slice(1).map(Number)
  if (first !== start || size === undefined || last !== size - 1 || length !== size - start) {
    throw wrong(peer, `was asked for the bytes from ${start} on and sends others (${headers['content-range']?.slice(0, 80)})`)
  }
  return { size, empty: false }
}

/** What it means that a request got no answer. */
export function noAnswer(failure: unknown, peer: string): WarrenError {
  if (failure instanceof WarrenError) return failure
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined
  const kind = code === 'UND_ERR_HEADERS_TIMEOUT' ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNREACHABLE'
  return new WarrenError(kind, `member ${peer} gave no answer: ${reasonOf(failure)}`, { cause: failure })
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

function wrong(peer: string, what: string): WarrenError {
  return new WarrenError('UPSTREAM_FAILED', `member ${peer} ${what}`)
}
