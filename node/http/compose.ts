import { createHash } from 'node:crypto'
import type { Offers, Rendition } from '../../protocols/protocol.ts'
import type { ParsedDocument } from '../cache/plan.ts'
import type { Verdicts } from '../policy/withholding.ts'

/** What another form is made of. */
export interface Ingredients {
  readonly documents: readonly Buffer[]
  readonly offers?: Offers | undefined
  readonly verdicts?: Verdicts | undefined
  readonly rendition?: Rendition | undefined
  /** Stands in the documents for the caller's base URL; undefined where that is in none of them. */
  readonly standIn?: string | undefined
}

export interface Composed {
  readonly bytes: Buffer
  /** `sha256:hex` of the bytes. */
  readonly digest: string
  /** Where the caller's base URL belongs. */
  readonly spans: ParsedDocument['spans']
}

/** Pure, and so the same in any thread. Throws what its parts do. */
export function compose({ documents, offers, verdicts, rendition, standIn }: Ingredients): Composed {
  const left =
    offers && verdicts
      ? documents.map((bytes) => offers.withhold(bytes, (version, published) => verdicts.allows(version, published)))
      : documents
  verdicts?.settle()
  const bytes = rendition ? rendition.render(left) : left[0]
  if (!bytes) throw new Error('there is nothing to make it of')
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return { bytes, digest, spans: standIn === undefined ? [] : placesOf(standIn, bytes) }
}

function placesOf(text: string, bytes: Buffer): ParsedDocument['spans'] {
  const spans: (readonly [number, number, string])[] = []
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) spans.push([at, at + text.length, ''])
  return spans
}
