import { reasonOf, WarrenError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import { ANSWER_BYTES, SURVEY_LIMIT } from './constants.ts'
import type { SeedsOfPins } from './keeper.ts'
import { readSummaryAnswer, SUMMARY_PATH } from './messages.ts'
import { isPublic } from './pin.ts'
import type { PinPlace, SeedView } from './pins-status.ts'

export interface SurveyComponents {
  readonly store: Pick<Store, 'blobs' | 'records'>
  readonly seeds: SeedsOfPins
}

/** What the other seeds say about pins, for an operator. */
export async function surveySeeds({ seeds }: Pick<SurveyComponents, 'seeds'>, signal: AbortSignal): Promise<SeedView[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SURVEY_LIMIT)])
  return Promise.all(
    seeds.others.map(async ({ id, since }): Promise<SeedView> => {
      if (since === undefined) return { id, connected: false, pins: null, problem: 'it is not connected' }
      try {
        const asked = { method: 'GET', path: SUMMARY_PATH } as const
        const { status, body } = await seeds.ask(id, asked, ANSWER_BYTES, limit)
        if (status !== 200) throw new WarrenError('UPSTREAM_FAILED', `it answers ${status}`)
        return { id, connected: true, pins: readSummaryAnswer(body), problem: null }
      } catch (error) {
        return { id, connected: true, pins: null, problem: reasonOf(error) }
      }
    }),
  )
}

/** Which of the seeds have what this node has under a key. `belongs`: the seeds that it belongs to. */
export async function placeOf(
  { store, seeds }: SurveyComponents,
  key: string,
  belongs: readonly string[],
  signal: AbortSignal,
): Promise<PinPlace> {
  const record = store.records.get(key)
  if (!record || !isPublic(record)) return { key, blob: null, size: null, seeds: [] }
  const { blob, size } = record
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SURVEY_LIMIT)])
  const asked = { method: 'HEAD', path: `/blobs/v1/sha256:${blob}` } as const
  const others = seeds.others.map(async ({ id, since }) => {
    const answer = since === undefined ? undefined : await seeds.ask(id, asked, ANSWER_BYTES, limit).catch(() => undefined)
    const holds = answer?.status === 200 ? true : answer?.status === 404 ? false : null
    return { id, belongs: belongs.includes(id), holds }
  })
  const { self, isSeed } = seeds
  const isHere = store.blobs.find({ algorithm: 'sha256', hex: blob }) !== undefined
  const own = isSeed ? [{ id: self, belongs: belongs.includes(self), holds: isHere }] : []
  return { key, blob, size, seeds: [...own, ...(await Promise.all(others))] }
}
