import { constants } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import { giveToOwnerOf } from './data-folder.ts'
import { reasonOf } from './errors.ts'

/** What was asked of the admin API, by whom, and what became of it. */
export interface AuditEntry {
  /** `token`: whoever has that of the node; `key` and the public key of whoever signed it; `none`: nobody who proved anything. */
  readonly who: string
  /** Name of the request, as in the lines of the log. */
  readonly request?: string
  /** Remote IP address; `unix` for the socket. */
  readonly from: string
  readonly method: string
  /** Without its query. */
  readonly path: string
  readonly outcome: 'done' | 'refused' | 'failed'
  /** HTTP status that was answered. */
  readonly status: number
  /** Of the error catalogue, for what was not done. */
  readonly code?: string
  /** What is different now; never with secrets in it. */
  readonly change?: unknown
}

/** Bytes of the file, above which it becomes the former one. */
const MAX_FILE = 16 << 20
/** Bytes of `change` in a line. */
const MAX_CHANGE = 16 << 10
/** Bytes that wait to be written; where a disk hangs, what comes on top is only counted. */
const MAX_WAITING = 1 << 20
/**
 * Refusals a minute that have a line each, of one address and of all. More are counted: else a flood of them would push all changes
 * out of the file.
 */
const MAX_REFUSED_OF_ONE = 20
const MAX_REFUSED = 60
const MINUTE = 60_000

/** Where a link leads is not ours to write to. Windows has no such flag. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

/**
 * `<data>/audit.log`: a JSON line for each change by the admin API, and for each that was refused; `audit.log.1` is what was there
 * before. Nobody waits for it, and what cannot be written is told by a later line.
 */
export class AuditLog {
  readonly #clock: Clock
  readonly #trouble: (what: string) => void
  readonly #folder: string
  readonly #path: string
  readonly #refused = new Map<string, number>()
  #allRefused = 0
  #minute = Number.NEGATIVE_INFINITY
  #notShown = 0
  #lost = 0
  #waiting: string[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined
  #isBroken = false

  constructor(components: { clock: Clock; trouble(what: string): void }, init: { folder: string }) {
    this.#clock = components.clock
    this.#trouble = components.trouble
    this.#folder = init.folder
    this.#path = join(init.folder, 'audit.log')
  }

  /** Never throws, and never waits. */
  add(entry: AuditEntry): void {
    const now = this.#clock.now()
    this.#beginMinute(now)
    if (entry.outcome === 'refused' && !this.#isShown(entry.from)) return
    this.#put({ time: new Date(now).toISOString(), ...entry, ...shortened(entry.change) })
  }

  /** Resolves when all is written that can be. */
  async close(): Promise<void> {
    this.#tellNotShown(this.#clock.now())
    await this.#writing
  }

  #isShown(from: string): boolean {
    const before = this.#refused.get(from) ?? 0
    if (this.#allRefused >= MAX_REFUSED || before >= MAX_REFUSED_OF_ONE) {
      this.#notShown++
      return false
    }
    this.#refused.set(from, before + 1)
    this.#allRefused++
    return true
  }

  #beginMinute(now: number): void {
    // Also after a clock was set back.
    if (Math.abs(now - this.#minute) < MINUTE) return
    this.#minute = now
    this.#refused.clear()
    this.#allRefused = 0
    this.#tellNotShown(now)
  }

  #tellNotShown(now: number): void {
    if (this.#notShown > 0) this.#put({ time: new Date(now).toISOString(), outcome: 'refused', more: this.#notShown })
    this.#notShown = 0
  }

  #put(fact: object): void {
    const line = `${JSON.stringify(fact)}\n`
    if (this.#waitingBytes + line.length > MAX_WAITING) {
      this.#lost++
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      try {
        await this.#append(lines)
        this.#isBroken = false
      } catch (error) {
        this.#lost += lines.length
        if (!this.#isBroken) this.#trouble(`changes are not written to ${this.#path}: ${reasonOf(error)}`)
        this.#isBroken = true
      }
    }
    this.#writing = undefined
  }

  async #append(lines: readonly string[]): Promise<void> {
    const lost = this.#lost
    const note = lost === 0 ? [] : [`${JSON.stringify({ time: new Date(this.#clock.now()).toISOString(), lost })}\n`]
    const text = [...note, ...lines].join('')
    let file = await this.#open()
    try {
      const { size } = await file.stat()
      if (size > 0 && size + text.length > MAX_FILE) {
        await file.close()
        await rename(this.#path, `${this.#path}.1`)
        file = await this.#open()
      }
      await file.appendFile(text)
      this.#lost -= lost
    } finally {
      await file.close()
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, FLAGS, 0o600)
    giveToOwnerOf(this.#folder, file.fd)
    return file
  }
}

/** A change that is too long for a line is told by its length. */
function shortened(change: unknown): { change?: unknown } {
  if (change === undefined) return {}
  const { length } = JSON.stringify(change)
  return { change: length <= MAX_CHANGE ? change : { characters: length } }
}
