/** A piece of the log of a checksum database (x/mod/sumdb/tlog, `Tile`): hashes of a level, or the records themselves. */
export interface Tile {
  readonly height: number
  readonly level: number | 'data'
  /** Counted from the beginning of the level. */
  readonly number: number
  /** Hashes or records in it: fewer than `2 ** height` where the log ends. */
  readonly width: number
}

const TILE = /^tile\/(\d{1,2})\/(\d{1,2}|data)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/(\d{1,9}))?$/
const MAX_HEIGHT = 30
const MAX_LEVEL = 63

/** Reads `tile/8/0/x001/x234/067.p/12`; undefined for every other spelling, so that one tile has one. */
export function parseTile(path: string): Tile | undefined {
  const [, height = '', level = '', number = '', width] = TILE.exec(path) ?? []
  const full = 2 ** Number(height)
  const tile: Tile = {
    height: Number(height),
    level: level === 'data' ? 'data' : Number(level),
    number: Number(number.replace(/[x/]/g, '')),
    width: width === undefined ? full : Number(width),
  }
  const isLevel = tile.level === 'data' || tile.level <= MAX_LEVEL
  const known = tile.height > 0 && tile.height <= MAX_HEIGHT && isLevel && tile.width > 0
  return known && tilePath(tile) === path ? tile : undefined
}

export function tilePath({ height, level, number, width }: Tile): string {
  const digits = String(number)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const place = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${height}/${level}/${place}${width < 2 ** height ? `.p/${width}` : ''}`
}
