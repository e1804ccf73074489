import type { Lookup, Plan } from '../../node/cache/plan.ts'
import { isAbsence } from '../../node/errors.ts'
import type { Head } from './head.ts'
import type { LogRecord } from './record.ts'
import { HASH_BYTES, type TileFacts } from './tile.ts'
import type { Tile } from './tiles.ts'
import { nodeHash, recordHash, rootWith } from './tree.ts'

/** What the go command asks for, so that its tiles and ours are the same (x/mod/sumdb, `Client`). */
const TILE_HEIGHT = 8
const FULL = 2 ** TILE_HEIGHT

/**
 * Whether a record is in the log of which a head was signed: the signature covers the log, and only by its hash the record. Tiles
 * that are in the cache are used first; if the proof fails with them, with those of upstream. Rejects when tiles cannot be had.
 */
export async function isIncluded(
  record: LogRecord,
  head: Head,
  planOf: (tile: Tile) => Plan,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<boolean> {
  const tiles = tilesBeside(record.id, head.size)
  const cached = await fetchAll(tiles, (tile) => lookup.cached(planOf(tile)), planOf, lookup, signal)
  if (proves(record, head, cached)) return true
  return proves(record, head, await fetchAll(tiles, async () => undefined, planOf, lookup, signal))
}

type Hashes = ReadonlyMap<string, Buffer>

const nameOf = ({ level, number }: Pick<Tile, 'level' | 'number'>) => `${level}/${number}`

/** Where the hash of a subtree is: so many hashes of one tile, from one of them on. */
function placeOf(level: number, index: number): { level: number; number: number; start: number; count: number } {
  const rest = level % TILE_HEIGHT
  const count = 2 ** rest
  const start = index * count
  return { level: (level - rest) / TILE_HEIGHT, number: Math.floor(start / FULL), start: start % FULL, count }
}

/** The tiles that a proof takes, as they are in a log of `size` records. */
function tilesBeside(id: number, size: number): Tile[] {
  const tiles = new Map<string, Tile>()
  rootWith(Buffer.alloc(HASH_BYTES), id, size, (level, index) => {
    const place = placeOf(level, index)
    const inLevel = Math.floor(size / FULL ** place.level)
    const width = Math.min(FULL, inLevel - place.number * FULL)
    tiles.set(nameOf(place), { height: TILE_HEIGHT, level: place.level, number: place.number, width })
    return Buffer.alloc(HASH_BYTES)
  })
  return [...tiles.values()]
}

async function fetchAll(
  tiles: readonly Tile[],
  cached: (tile: Tile) => Promise<unknown>,
  planOf: (tile: Tile) => Plan,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Hashes> {
  const hashes = tiles.map(async (tile): Promise<[string, Buffer]> => {
    const facts = (await cached(tile)) ?? (await lookup.fetch(planOf(tile), signal).catch((error) => fullOf(tile, error)))
    return [nameOf(tile), Buffer.from((facts as TileFacts | undefined)?.hashes ?? '', 'base64')]
  })
  return new Map(await Promise.all(hashes))

  /** A server may forget the beginning of a tile once it has all of it (x/mod/sumdb/tlog, `TileReader`). */
  async function fullOf(tile: Tile, error: unknown): Promise<unknown> {
    if (tile.width === FULL || !isAbsence(error)) throw error
    const full = { ...tile, width: FULL }
    return (await lookup.cached(planOf(full))) ?? lookup.fetch(planOf(full), signal)
  }
}

function proves(record: LogRecord, head: Head, tiles: Hashes): boolean {
  const root = rootWith(recordHash(record.text), record.id, head.size, (level, index) => {
    const { start, count, ...tile } = placeOf(level, index)
    const hashes = tiles.get(nameOf(tile)) ?? Buffer.alloc(0)
    return subtreeHash(hashes, start, count)
  })
  return root.toString('base64') === head.root
}

/** Hash over `count` hashes, a power of two. What is not there is taken as nothing, which proves nothing. */
function subtreeHash(hashes: Buffer, start: number, count: number): Buffer {
  if (count === 1) return hashes.subarray(start * HASH_BYTES, (start + 1) * HASH_BYTES)
  const half = count / 2
  return nodeHash(subtreeHash(hashes, start, half), subtreeHash(hashes, start + half, half))
}
