import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { plainText } from './note.ts'

export const HASH_BYTES = 32

/** Hashes of a tile, one after the other, as base64. */
export interface TileFacts {
  readonly hashes: string
}

/** Checks that a tile of hashes came: nothing but its length can be told from its bytes. */
export function parse(bytes: Buffer): ParsedDocument<TileFacts> {
  if (bytes.length === 0 || bytes.length % HASH_BYTES !== 0) throw new Error('it is no tile of hashes')
  return { spans: [], facts: { hashes: bytes.toString('base64') } }
}

/** Checks that a tile of records came: a number and the lines of a go.sum, over and over. */
export function parseData(bytes: Buffer): ParsedDocument<null> {
  if (!/^\d{1,15}\n\S+ v\S+ h1:/.test(plainText(bytes))) throw new Error('it is no tile of records')
  return { spans: [], facts: null }
}

export const tileParser: DocumentParser<TileFacts> = {
  id: 'go-tile-1',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}

export const dataTileParser: DocumentParser<null> = {
  id: 'go-data-tile-1',
  module: import.meta.url,
  exportName: 'parseData',
  parse: parseData,
}
