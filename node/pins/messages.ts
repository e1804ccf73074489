import { z } from 'zod'
import { parseDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import { readVersioned } from '../trust/versioned.ts'
import { BATCH_PINS, MAX_HEADERS, MAX_KEY_BYTES, MAX_TEXT_BYTES, MAX_VERIFIED } from './constants.ts'
import type { Pin } from './pin.ts'
import type { PinsStatus } from './pins-status.ts'

/** Where the services of pins are on the data plane. */
const PINS_PATH = '/pins/v1/'
export const HOLDS_PATH = `${PINS_PATH}holds`
export const RECORDS_PATH = `${PINS_PATH}records`
export const SUMMARY_PATH = `${PINS_PATH}summary`

/** Seeds of one mesh that are told of. */
const MAX_SEEDS = 256

const text = (most: number) => z.string().refine((value) => Buffer.byteLength(value) <= most)

/** As `cacheKey` makes them: its parts are separated by line feeds, and nothing else in them is a control character. */
const key = text(MAX_KEY_BYTES).refine((value) => /^[^\p{Cc}\n]+\n[^\p{Cc}]+(?:\n[^\p{Cc}]*)*$/u.test(value))

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const time = z.number().int().nonnegative()

/** What may be sent on as a header field (RFC 9110 section 5.5). */
const fieldName = z.string().regex(/^[a-z0-9-]{1,64}$/)
const fieldValue = text(MAX_TEXT_BYTES).refine((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value))

/** A public name record, version 1; fields that this version does not know are passed over, so that later ones may add some. */
const record = z
  .object({
    v: z.literal(1),
    blob: sha256,
    size: z.number().int().nonnegative(),
    headers: z.record(fieldName, fieldValue).refine((headers) => Object.keys(headers).length <= MAX_HEADERS),
    etag: fieldValue.exactOptional(),
    lastModified: fieldValue.exactOptional(),
    fetchedAt: time,
    checkedAt: time,
    freshFor: z.number().nonnegative().nullable(),
    verified: z.array(z.string().refine((one) => parseDigest(one) !== undefined)).max(MAX_VERIFIED),
    // These are never for others: whoever sends one has lost its way, and without its mark it would be for everybody.
    link: z.never().exactOptional(),
    private: z.never().exactOptional(),
  })
  .refine((whole) => Buffer.byteLength(JSON.stringify(whole)) <= MAX_TEXT_BYTES)

const holdsQuestion = z.object({ v: z.literal(1), keys: z.array(key).min(1).max(BATCH_PINS) })
const recordsQuestion = z.object({ v: z.literal(1), pins: z.array(z.object({ key, record })).min(1).max(BATCH_PINS) })

const edition = z.object({ blob: sha256, checkedAt: time })
const holdsAnswer = z.object({ v: z.literal(1), held: z.array(z.union([edition, z.literal('coming'), z.null()])) })

const outcome = z.union([
  z.object({ state: z.enum(['held', 'coming', 'busy']) }),
  z.object({ state: z.literal('failed'), reason: z.string().max(MAX_TEXT_BYTES) }),
])
const recordsAnswer = z.object({ v: z.literal(1), outcomes: z.array(outcome) })

const count = z.number().int().nonnegative()
const summaryAnswer = z.object({
  v: z.literal(1),
  pins: z.object({
    replicas: count,
    counted: z.boolean(),
    wanted: count,
    held: count,
    missing: count,
    seeds: z
      .array(
        z.object({
          id: text(128),
          connected: z.boolean(),
          wanted: count,
          held: count,
          pending: count,
          reason: text(MAX_TEXT_BYTES).nullable(),
        }),
      )
      .max(MAX_SEEDS),
    sweep: z.object({ running: z.boolean(), looked: count, endedAt: time.nullable(), dueAt: time.nullable() }),
  }),
})

/** What a seed has under a key: an edition with its bytes, one that it is fetching, or nothing that everybody may have. */
export type Holding = z.output<typeof holdsAnswer>['held'][number]

/** What became of a pin at the seed that it was sent to. */
export type Outcome = z.output<typeof outcome>

/** Whether others read such a key, and such a record: what they do not read stays where it is. */
export const isSendableKey = (text: string) => key.safeParse(text).success
export const isSendableRecord = (one: Pin['record']) => record.safeParse(one).success

/** Throws BAD_REQUEST. */
export function readHoldsQuestion(body: Buffer): readonly string[] {
  return question(body, holdsQuestion).keys
}

/** Throws BAD_REQUEST. */
export function readRecordsQuestion(body: Buffer): readonly Pin[] {
  return question(body, recordsQuestion).pins
}

/** What is held under so many keys, in their order. Throws UPSTREAM_CORRUPT. */
export function readHoldsAnswer(body: Buffer, count: number): readonly Holding[] {
  return inFull(answer(body, holdsAnswer).held, count)
}

/** What became of so many pins, in their order. Throws UPSTREAM_CORRUPT. */
export function readRecordsAnswer(body: Buffer, count: number): readonly Outcome[] {
  return inFull(answer(body, recordsAnswer).outcomes, count)
}

/** How pins stand in the eyes of a seed. Throws UPSTREAM_CORRUPT. */
export function readSummaryAnswer(body: Buffer): PinsStatus {
  return answer(body, summaryAnswer).pins
}

function question<T>(body: Buffer, schema: z.ZodType<T>): T {
  const reading = readVersioned(body.toString(), schema)
  if (reading.problem === undefined) return reading.value
  throw new WarrenError('BAD_REQUEST', `the question cannot be read: ${reading.problem}`)
}

function answer<T>(body: Buffer, schema: z.ZodType<T>): T {
  const reading = readVersioned(body.toString(), schema)
  if (reading.problem === undefined) return reading.value
  throw new WarrenError('UPSTREAM_CORRUPT', `the answer of a seed cannot be read: ${reading.problem}`)
}

function inFull<T>(answers: readonly T[], count: number): readonly T[] {
  if (answers.length === count) return answers
  throw new WarrenError('UPSTREAM_CORRUPT', `a seed was asked about ${count} pins and answers about ${answers.length}`)
}
