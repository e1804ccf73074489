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

/** A new folder under the system's temporary one; gone when the stack is disposed. */
export function tempFolder(stack: AsyncDisposableStack, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `warren-bench-${process.pid}-${name}-`))
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  return folder
}
