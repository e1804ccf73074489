import type { ExportedFrom, Offers, Rendition } from '../../protocols/protocol.ts'
import { type Grounds, verdictsOf } from '../policy/verdicts.ts'
import { exported, serveJobs } from '../threads/serve-jobs.ts'
import { type Composed, compose } from './compose.ts'

/** `Ingredients`, as they get to another thread. */
export interface ComposeOrder {
  readonly documents: readonly Uint8Array[]
  readonly offers?: ExportedFrom | undefined
  readonly grounds?: Grounds | undefined
  readonly rendition?: ExportedFrom | undefined
  readonly standIn?: string | undefined
}

export type ComposeResult = Omit<Composed, 'bytes'> & { readonly bytes: Uint8Array }

serveJobs(async ({ documents, offers, grounds, rendition, standIn }: ComposeOrder) => {
  const { bytes, ...made } = compose({
    documents: documents.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
    offers: offers && (await findExport<Offers>(offers)),
    verdicts: grounds && verdictsOf(grounds),
    rendition: rendition && (await findExport<Rendition>(rendition)),
    standIn,
  })
  // What others share with it, as small buffers do, must not move.
  const whole = bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
  const result: ComposeResult = { ...made, bytes: whole }
  return { result, moved: [whole.buffer as ArrayBuffer] }
})

async function findExport<T>({ module, exportName, args }: ExportedFrom): Promise<T> {
  const found = await exported(module, exportName)
  return (args ? (found as (...args: readonly string[]) => T)(...args) : found) as T
}
