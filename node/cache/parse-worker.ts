import { exported, serveJobs } from '../threads/serve-jobs.ts'
import type { ParsedDocument } from './plan.ts'

/** `parse` of the parser that is exported there, for the bytes. */
export interface ParseOrder {
  readonly module: string
  readonly exportName: string
  readonly bytes: Uint8Array
}

serveJobs(async ({ module, exportName, bytes }: ParseOrder) => {
  const parse = await exported(module, exportName)
  if (typeof parse !== 'function') throw new Error(`${module} exports no function ${exportName}`)
  const found: ParsedDocument = await parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  return { result: JSON.stringify(found) }
})
