import { type Output, styled, writeLines } from '../print.ts'

/** Ms between two signs of life on a terminal. */
const BEAT = 250
/** Ms from which a step counts as one that takes long. */
const LONG = 1_000
const INDENT = '   '

export interface StepTime {
  readonly title: string
  readonly ms: number
}

/** Tells step by step what happens, and how long each step took. */
export class Story {
  readonly times: StepTime[] = []
  readonly #output: Output
  /** Whether a line may be written over. */
  readonly #isTerminal: boolean
  #transient = false
  #beat: NodeJS.Timeout | undefined

  constructor(output: Output) {
    this.#output = output
    this.#isTerminal = 'isTTY' in output && output.isTTY === true
  }

  title(text: string): void {
    this.#write([styled(this.#output, 'bold', text), ''])
  }

  /** What a step found out. */
  say(lines: readonly string[]): void {
    this.#write(lines.map((line) => (line === '' ? '' : INDENT + line)))
  }

  /** Runs a step; its time is told at its end, and from time to time on a terminal. */
  async step<T>(title: string, act: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const elapsed = () => performance.now() - began
    this.#write([styled(this.#output, 'bold', `${this.times.length + 1}. ${title}`)])
    this.#beat = this.#isTerminal ? setInterval(() => this.#pulse(elapsed()), BEAT) : undefined
    try {
      const value = await act()
      const ms = elapsed()
      this.times.push({ title, ms: Math.round(ms) })
      this.say([styled(this.#output, 'dim', `took ${formatSeconds(ms)}`), ''])
      return value
    } finally {
      this.end()
    }
  }

  /** No further signs of life of a step that will not end well. Idempotent. */
  end(): void {
    clearInterval(this.#beat)
    this.#clear()
  }

  #pulse(ms: number): void {
    if (ms < LONG) return
    this.#clear()
    this.#output.write(INDENT + styled(this.#output, 'dim', `… ${Math.floor(ms / 1_000)} s`))
    this.#transient = true
  }

  #write(lines: readonly string[]): void {
    this.#clear()
    writeLines(this.#output, lines)
  }

  #clear(): void {
    if (this.#transient) this.#output.write('\r\x1b[2K')
    this.#transient = false
  }
}

/** Ms as seconds. */
function formatSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
