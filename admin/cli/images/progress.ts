import { formatBytes } from '../format.ts'
import { type Output, styled } from '../print.ts'

/** Ms between two looks of what is under way. */
const BEAT = 100
/** Characters of a file's name that moves: the rest of the line is worth more. */
const NAME = 28
/** Characters; with it all of a line fits into 80 columns. */
const BAR = 10
/** Columns of a terminal that does not tell. */
const COLUMNS = 80

export type Kind = 'manifest' | 'config' | 'layer'
/** What packages are made of: documents are what leads to files. */
export type PackageKind = 'document' | 'file'

/** Something that is being fetched. */
export interface Item {
  /** Its digest, or a tag as long as that is all that is known; of a package the file's name. */
  readonly name: string
  readonly kind: Kind | PackageKind
  /** Bytes; undefined where nothing tells. */
  readonly size: number | undefined
}

interface Line extends Item {
  readonly beganAt: number
  bytes: number
  source: string
}

/** A fetch under way; exactly one of `done` and `failed` ends it. */
export interface Transfer {
  /** Where the node has it from, as soon as that is known. */
  from(source: string): void
  /** So many bytes have come. */
  moved(bytes: number): void
  done(received: { readonly digest?: string; readonly size: number; readonly source: string }): void
  failed(): void
}

/**
 * Tells what is being fetched: on a terminal with a line for each that is drawn anew as it moves, and stays when it is done; in
 * a pipe with a line for each that is done.
 */
export class Progress {
  readonly #output: Output & { readonly columns?: number }
  readonly #isTerminal: boolean
  readonly #lines = new Set<Line>()
  /** Lines on the screen that will be drawn anew. */
  #drawn = 0
  #beat: NodeJS.Timeout | undefined

  constructor(output: Output) {
    this.#output = output
    this.#isTerminal = 'isTTY' in output && output.isTTY === true
  }

  /** A line that stays. */
  say(text: string): void {
    this.#write([text])
  }

  begin(item: Item): Transfer {
    const line: Line = { ...item, beganAt: performance.now(), bytes: 0, source: '' }
    this.#lines.add(line)
    this.#write([])
    if (this.#isTerminal) this.#beat ??= setInterval(() => this.#write([]), BEAT)
    return {
      from: (source) => {
        line.source = source
      },
      moved: (bytes) => {
        line.bytes = bytes
      },
      done: ({ digest, size, source }) => {
        this.#end(line)
        // A document is fetched for the file's sake, which has a line of its own.
        const text = this.#doneText({ ...line, name: digest ?? line.name, bytes: size, source })
        this.#write(line.kind === 'document' ? [] : [text])
      },
      failed: () => {
        this.#end(line)
        this.#write([])
      },
    }
  }

  #end(line: Line): void {
    this.#lines.delete(line)
    if (this.#lines.size > 0) return
    clearInterval(this.#beat)
    this.#beat = undefined
  }

  /** Puts lines that stay above those that move, in one piece so that nothing flickers. */
  #write(staying: readonly string[]): void {
    const moving = this.#isTerminal ? [...this.#lines].map((line) => this.#clipped(movingText(line))) : []
    const clear = this.#drawn > 0 ? `\x1b[${this.#drawn}A\x1b[J` : ''
    const text = clear + [...staying, ...moving].map((line) => `${line}\n`).join('')
    if (text !== '') this.#output.write(text)
    this.#drawn = moving.length
  }

  /** A line that wraps would be two, and the next drawing be off by one. */
  #clipped(text: string): string {
    return text.slice(0, (this.#output.columns || COLUMNS) - 1)
  }

  #doneText(line: Line): string {
    const colour = line.source === 'upstream' ? 'yellow' : 'green'
    const facts = `${formatBytes(line.bytes).padStart(10)}  ${rateText(line).padStart(12)}`
    // Names of files are of any length, so that only at the end they leave the columns in line.
    if (isOfPackage(line)) return `  ${facts}  ${styled(this.#output, colour, line.source.padEnd(8))}  ${line.name}`
    return `${nameText(line)}  ${facts}  ${styled(this.#output, colour, line.source)}`
  }
}

function movingText(line: Line): string {
  const { bytes, size } = line
  const part = size === undefined || size === 0 ? 0 : Math.min(1, bytes / size)
  const bar = '#'.repeat(Math.floor(part * BAR)).padEnd(BAR, '.')
  const amount = size === undefined ? formatBytes(bytes) : `${formatBytes(bytes)}/${formatBytes(size)}`
  return [nameText(line), `[${bar}]`, amount, rateText(line), line.source].filter((text) => text !== '').join('  ')
}

function isOfPackage({ kind }: Item): boolean {
  return kind === 'document' || kind === 'file'
}

/** A digest as short as clients of images show it. */
function nameText(item: Item): string {
  const { name, kind } = item
  if (isOfPackage(item)) return `  ${name.slice(0, NAME).padEnd(NAME)}`
  const short = name.slice(name.indexOf(':') + 1).slice(0, 12)
  return `  ${short.padEnd(12)}  ${kind.padEnd(8)}`
}

/** Bytes a second since the beginning; nothing before there is a millisecond to divide by. */
function rateText({ bytes, beganAt }: Line): string {
  const ms = performance.now() - beganAt
  return ms < 1 ? '' : `${formatBytes(Math.round((bytes / ms) * 1_000))}/s`
}
