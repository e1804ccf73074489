import { type FileHandle, open, readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import { writeSecretFile } from '../trust/secret-file.ts'
import { readVersioned } from '../trust/versioned.ts'
import { MAX_KNOWN, MAX_TOLD } from './constants.ts'
import { type KnownPurge, NOTHING_FREED } from './purge-run.ts'
import { purgeScope } from './scope.ts'

const count = z.number().int().nonnegative()
const ended = z.object({ endedAt: count, freed: z.object({ records: count, blobs: count, bytes: count }) })
const begun = z.object({
  v: z.literal(1),
  id: z.string().min(1).max(128),
  generation: count,
  scopes: z.array(purgeScope),
  startedAt: count,
  end: ended.exactOptional(),
})
const end = z.object({ v: z.literal(1), id: z.string(), end: ended })
const line = z.union([begun, end])

type Line = z.input<typeof line>

/** Bytes of a file that is not worth being made shorter. */
const SMALL_FILE = 16 << 20

/** Lines that are read in one turn of the event loop. */
const READ_AT_ONCE = 200

interface Waiting {
  readonly text: string
  resolve(): void
  reject(error: unknown): void
}

/**
 * The purges of a node in a file of lines, beside the store: what was begun is there before anybody is told that it was, so that a node
 * which is killed takes it up again. Those that come together share a sync.
 */
export class PurgeFile {
  readonly #path: string
  readonly #small: number
  #handle: FileHandle | undefined
  /** Bytes of whole lines. */
  #size = 0
  /** Bytes behind which it is written anew. */
  #longest = 0
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined

  private constructor(path: string, small: number) {
    this.#path = path
    this.#small = small
  }

  /**
   * Reads what is there, oldest first, and writes it anew without what nobody needs any more. Throws STORE_UNKNOWN, STORE_UNUSABLE.
   * @param init.small bytes below which it is not made shorter while it is in use
   */
  static async open(
    path: string,
    { small = SMALL_FILE }: { readonly small?: number } = {},
  ): Promise<{ file: PurgeFile; known: readonly KnownPurge[] }> {
    const file = new PurgeFile(path, small)
    return { file, known: await file.#shorten() }
  }

  /** Resolves once it outlives a power cut. Rejects with STORE_UNUSABLE. */
  begin(purge: KnownPurge): Promise<void> {
    return this.#append(lineOf(purge))
  }

  end({ id, endedAt, freed }: KnownPurge): Promise<void> {
    return this.#append({ v: 1, id, end: { endedAt: endedAt ?? 0, freed } })
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#handle?.close()
    this.#handle = undefined
  }

  #append(one: Line): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text: `${JSON.stringify(one)}\n`, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async #write(): Promise<void> {
    // Those who ask in the same turn go together.
    await Promise.resolve()
    for (let some = this.#waiting.splice(0); some.length > 0; some = this.#waiting.splice(0)) {
      try {
        await this.#put(Buffer.from(some.map(({ text }) => text).join('')))
        for (const { resolve } of some) resolve()
        // A stolen key may issue purges without end.
        if (this.#size > this.#longest) await this.#shorten()
      } catch (cause) {
        const error = new WarrenError('STORE_UNUSABLE', `${this.#path} cannot be written: ${reasonOf(cause)}`, { cause })
        for (const { reject } of some) reject(error)
      }
    }
    // In the turn in which nobody was waiting: later, somebody could.
    this.#writing = undefined
  }

  /** Leaves out what nobody needs any more, and tells what is left. */
  async #shorten(): Promise<readonly KnownPurge[]> {
    // Not soon again, should it fail.
    this.#longest = 2 * this.#size
    const text = await read(this.#path)
    const known = needed(await parse(text, this.#path))
    if (text !== '') {
      this.#size = Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1))
      const lines = known.map((one) => `${JSON.stringify(lineOf(one))}\n`).join('')
      try {
        writeSecretFile(this.#path, lines)
        this.#size = Buffer.byteLength(lines)
        await this.#handle?.close()
        this.#handle = undefined
      } catch (error) {
        // A full disk takes no other file: this one will do, and a purge may make room.
        if (!isWarrenError(error, 'STORE_UNUSABLE')) throw error
      }
    }
    this.#longest = Math.max(this.#small, 2 * this.#size)
    return known
  }

  async #put(bytes: Buffer): Promise<void> {
    if (!this.#handle) {
      if (this.#size === 0) writeSecretFile(this.#path, '')
      this.#handle = await open(this.#path, 'r+')
    }
    // What was broken off before is written over, or would stay behind a shorter line.
    await this.#handle.truncate(this.#size)
    const { bytesWritten } = await this.#handle.write(bytes, 0, bytes.length, this.#size)
    if (bytesWritten < bytes.length) throw new Error('the disk takes no more')
    await this.#handle.datasync()
    this.#size += bytes.length
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ''
    throw new WarrenError('STORE_UNUSABLE', `${path} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

function lineOf({ id, generation, scopes, startedAt, endedAt, freed }: KnownPurge): Line {
  const begin = { v: 1 as const, id, generation, scopes: [...scopes], startedAt }
  return endedAt === null ? begin : { ...begin, end: { endedAt, freed } }
}

/** Throws STORE_UNKNOWN: to pass over a purge would serve again what somebody wanted to be gone. */
async function parse(text: string, path: string): Promise<KnownPurge[]> {
  const known = new Map<string, KnownPurge>()
  // A last line without an end is one whose write was broken off; nobody was told of it.
  for (const [at, json] of text.split('\n').slice(0, -1).entries()) {
    if (at % READ_AT_ONCE === 0) await setImmediate()
    const reading = readVersioned(json, line)
    if (reading.problem !== undefined) {
      throw new WarrenError(
        'STORE_UNKNOWN',
        `${path} has a line that this Warren cannot read (${reading.problem}): start the version that wrote it, or move this file and the store beside it away`,
      )
    }
    const { value } = reading
    const { v: _, end: ending, ...begun } = value
    if ('scopes' in begun) known.set(begun.id, { ...begun, endedAt: null, freed: NOTHING_FREED })
    const before = known.get(begun.id)
    if (before && ending) known.set(begun.id, { ...before, ...ending })
  }
  return [...known.values()]
}

/** All that did not end, and the last ones of the others. */
function needed(known: readonly KnownPurge[]): KnownPurge[] {
  return known.flatMap((one, at): KnownPurge[] => {
    if (one.endedAt === null) return [one]
    const age = known.length - at
    if (age > MAX_KNOWN) return []
    return [age > MAX_TOLD ? { ...one, scopes: [] } : one]
  })
}
