import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../../admin/cli/programs.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { type Bench, tempFolder } from './bench.ts'
import type { Figure, Goal } from './figures.ts'

const SCRIPT = fileURLToPath(new URL('load.lua', import.meta.url))
/** Seconds that wrk waits for an answer before it counts an error: slow rivals are to be measured, not failed. */
const ANSWER_LIMIT_S = 30
const WARM_UP_SECONDS = 1
export const WRK_MISSING = 'wrk is not installed (apt-get install wrk)'

export interface Load {
  readonly paths: readonly string[]
  /** Kept alive, all of them from one thread. */
  readonly connections: number
  readonly headers?: Readonly<Record<string, string>>
  /** Each path once before any comes again; else at random. */
  readonly inOrder?: boolean
}

export interface LoadResult {
  readonly requests: number
  /** All that came over the wire, headers included. */
  readonly bytes: number
  readonly seconds: number
  readonly errors: number
  /** Latency in ms. */
  readonly p50: number
  readonly p99: number
}

/** A server under load. */
export interface Target {
  readonly url: string
  cpuSeconds(): number | undefined
}

/** A server with the paths under which it has what all are asked for. */
export interface Contender {
  readonly target: Target
  readonly paths: readonly string[]
}

export interface Measured extends LoadResult {
  /** Part of a core that the server was busy. */
  readonly busy: number
}

/** Drives wrk with one thread. */
export class Wrk {
  readonly #program: string
  readonly #folder: string
  #files = 0

  private constructor(program: string, folder: string) {
    this.#program = program
    this.#folder = folder
  }

  /** Undefined when wrk is not installed. */
  static find(stack: AsyncDisposableStack): Wrk | undefined {
    const program = findProgram('wrk')
    return program === undefined ? undefined : new Wrk(program, tempFolder(stack, 'wrk'))
  }

  /** One thread's load for so many seconds. Rejects when a single request was not answered well. */
  async run(url: string, load: Load, seconds: number): Promise<LoadResult> {
    const file = join(this.#folder, `paths-${this.#files++}`)
    // A script's paths replace the one of the URL.
    const base = new URL(url).pathname.replace(/\/$/, '')
    writeFileSync(file, load.paths.map((path) => `${base}${path}\n`).join(''))
    const headers = Object.entries(load.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    const args = ['-t1', `-c${load.connections}`, `-d${seconds}s`, '--timeout', `${ANSWER_LIMIT_S}s`, ...headers]
    const done = await run([this.#program, ...args, '-s', SCRIPT, url, '--', file, ...(load.inOrder ? ['in-order'] : [])], {
      cwd: this.#folder,
      env: cleanEnv(),
      timeoutMs: (seconds + ANSWER_LIMIT_S) * 1000,
    })
    if (done.code !== 0) throw new Error(`wrk ended with ${done.code}: ${done.stdout}${done.stderr}`)
    const result = parseOutput(done.stdout)
    if (result.errors > 0) throw new Error(`${result.errors} of wrk's requests to ${url} failed:\n${done.stdout}`)
    if (result.bytes === 0) throw new Error(`${url} sent nothing in ${seconds} s`)
    return result
  }

  /** All contenders in turn under the same load, round after round, each warmed up before. */
  async compare<Name extends string>(
    bench: Bench,
    contenders: Record<Name, Contender>,
    load: Omit<Load, 'paths'>,
  ): Promise<Record<Name, Measured[]>> {
    const names = Object.keys(contenders) as Name[]
    const measured = Object.fromEntries(names.map((name) => [name, [] as Measured[]])) as Record<Name, Measured[]>
    for (let round = -1; round < bench.rounds; round++) {
      for (const name of names) {
        bench.signal.throwIfAborted()
        const { target, paths } = contenders[name]
        const before = target.cpuSeconds()
        const result = await this.run(target.url, { ...load, paths }, round < 0 ? WARM_UP_SECONDS : bench.seconds)
        const busy = ((target.cpuSeconds() ?? Number.NaN) - (before ?? Number.NaN)) / result.seconds
        if (round >= 0) measured[name].push({ ...result, busy })
      }
    }
    return measured
  }
}

/** Warren against each of its rivals. @param goals by name of the rival; one without is only told */
export function figuresOf(
  work: Pick<Figure, 'row' | 'work' | 'unit'>,
  measured: Readonly<Record<string, readonly Measured[]>>,
  goals: Readonly<Record<string, Goal>>,
): Figure[] {
  const rate = work.unit === 'bytes/s' ? 'bytes' : 'requests'
  const rates = (results: readonly Measured[]) => results.map((one) => one[rate] / one.seconds)
  const busy = (results: readonly Measured[]) => results.map((one) => one.busy)
  const { warren = [], ...rivals } = measured
  return Object.entries(rivals).map(([name, results]) => ({
    ...work,
    warren: rates(warren),
    rival: { name, values: rates(results) },
    compared: 'ratio',
    ...(goals[name] ? { goal: goals[name] } : {}),
    busy: { warren: busy(warren), rival: busy(results) },
  }))
}

/** What `load.lua` printed, below wrk's own text. */
export function parseOutput(stdout: string): LoadResult {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (!line.startsWith('{"requests":')) throw new Error(`wrk printed no result:\n${stdout}`)
  return JSON.parse(line)
}
