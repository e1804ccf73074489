import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Figure, Skipped } from './figures.ts'

/** How one run of the benchmark measures, and where its figures go. */
export interface Bench {
  readonly rounds: number
  /** Length of one measurement under load. */
  readonly seconds: number
  /** Only prove that everything runs: rows shrink their sizes, and nothing is installed. */
  readonly smoke: boolean
  readonly signal: AbortSignal
  report(figure: Figure): void
  skip(skipped: Skipped): void
  /** Tells those who watch what is going on. */
  say(text: string): void
}

export interface Row {
  /** As in the table of the README. */
  readonly name: string
  /** Measures and reports. Rejects when a figure could not be had though everything that it needs is there. */
  run(bench: Bench): Promise<void>
}

/** One side of a comparison: does the work once and gives its value. */
export type Measure = () => Promise<number>

/** All sides in turn, round after round (A B A B …): whatever else the machine does hits all of them. */
export async function alternate<Name extends string>(
  bench: Bench,
  sides: Record<Name, Measure>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[]
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round < bench.rounds; round++) {
    for (const name of names) {
      bench.signal.throwIfAborted()
      values[name].push(await sides[name]())
    }
  }
  return values
}

/** A new folder under the system's temporary one; gone when the stack is disposed. */
export function tempFolder(stack: AsyncDisposableStack, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `warren-bench-${process.pid}-${name}-`))
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  return folder
}
