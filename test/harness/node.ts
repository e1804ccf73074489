import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Status, statusSchema } from '../../admin/api/status-schema.ts'
import { loadNodeToken } from '../../node/node-token.ts'
import { cleanEnv } from './child-process.ts'
import { cpuSecondsOf, residentBytesOf } from './proc.ts'
import { eventually, firstOf } from './wait.ts'

const ENTRY = fileURLToPath(new URL('../../admin/cli/warren.js', import.meta.url))
/** A start takes a second; a machine whose disk keeps it waiting took more than twenty. */
const READY_LIMIT_MS = 60_000
/** A node drains for a while on SIGTERM; a stop that takes longer than this is a failure of its own. */
const STOP_LIMIT_MS = 15_000
/** The end of a node's output that is kept, in characters. */
const KEPT_OUTPUT = 256 * 1024

export interface NodeProcessInit {
  /** Data folder; made when it is not there. */
  readonly data: string
  /** Configuration, as it would stand in the file. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  /** Where clients reach it: a free port of 127.0.0.1 by default. */
  readonly listen?: string
  /** Further arguments of `warren up`. */
  readonly args?: readonly string[]
  /** What runs the program, such as `ip netns exec <name>`. */
  readonly within?: readonly string[]
  /** Another program in place of the command line; for tests of the harness. */
  readonly entry?: string
  readonly readyLimitMs?: number
}

/** What a node writes to `<data>/node.json` once it serves. */
interface Ready {
  readonly pid: number
  readonly listen: readonly string[]
  readonly admin: string
}

/** A node in a process of its own, that can be killed at any moment. */
export class NodeProcess {
  readonly data: string
  /** Base URL of the first listener, without a slash at its end. */
  readonly url: string
  /** Base URL of the admin listener. */
  readonly admin: string
  readonly pid: number
  readonly #child: ChildProcess
  readonly #output: { text: string }

  constructor(child: ChildProcess, output: { text: string }, data: string, ready: Ready) {
    const [url] = ready.listen
    if (url === undefined) throw new Error('the node tells no address that it listens on')
    this.data = data
    this.url = url.replace(/\/$/, '')
    this.admin = ready.admin.replace(/\/$/, '')
    this.pid = ready.pid
    this.#child = child
    this.#output = output
  }

  /** What it does now, with all that its token opens. */
  async status(): Promise<Status> {
    const headers = { authorization: `Bearer ${loadNodeToken(this.data).value}` }
    return statusSchema.parse(await (await fetch(`${this.admin}/admin/v1/status`, { headers })).json())
  }

  /** The end of what it wrote to stdout and stderr. */
  get output(): string {
    return this.#output.text
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Exit code; null while it runs or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode
  }

  /** Memory that it holds, in bytes; undefined where there is no /proc. */
  rss(): number | undefined {
    return residentBytesOf(this.pid)
  }

  /** CPU time used so far, user and system; undefined where there is no /proc. */
  cpuSeconds(): number | undefined {
    return cpuSecondsOf(this.pid)
  }

  /** Sends a signal and resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.running) return
    const gone = firstOf(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }

  /** Asks it to stop; kills it, and rejects, when it does not in time. */
  async stop(): Promise<void> {
    if (!this.running) return
    const late = new AbortController()
    const timer = setTimeout(() => {
      late.abort()
      this.#child.kill('SIGKILL')
    }, STOP_LIMIT_MS)
    await this.kill('SIGTERM')
    clearTimeout(timer)
    if (late.signal.aborted) throw new Error(`the node did not stop within ${STOP_LIMIT_MS} ms:\n${this.output.slice(-4000)}`)
  }
}

/** Starts a node as users do and resolves once it serves; rejects with its output when it ends or is silent instead. */
export async function startNodeProcess(init: NodeProcessInit): Promise<NodeProcess> {
  const { data } = init
  mkdirSync(data, { recursive: true })
  const readyFile = join(data, 'node.json')
  const stamp = stampOf(readyFile)
  const args = ['up', '--data', data, '--listen', init.listen ?? '127.0.0.1:0', ...configArgs(init), ...(init.args ?? [])]
  // No variable of whoever runs the tests: an own WARREN_… would change what is tested.
  const env = cleanEnv({ HOME: data, ...init.env })
  const [program = '', ...before] = [...(init.within ?? []), process.execPath, init.entry ?? ENTRY]
  const child = spawn(program, [...before, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text = (output.text + text).slice(-KEPT_OUTPUT)
    })
  }
  try {
    const ready = await eventually(
      'the node serves',
      () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the node ended with ${child.exitCode}`)
        // The file of a node before it may still be there, after a kill.
        return stampOf(readyFile) !== stamp && readReady(readyFile)
      },
      init.readyLimitMs ?? READY_LIMIT_MS,
    )
    return new NodeProcess(child, output, data, ready)
  } catch (error) {
    const used = child.pid === undefined ? undefined : cpuSecondsOf(child.pid)
    child.kill('SIGKILL')
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${reason}:\n${output.text.slice(-4000)}\nafter ${used ?? '?'} s of CPU time`, { cause: error })
  }
}

function configArgs({ data, config }: NodeProcessInit): string[] {
  // Always a file, so that no configuration of this machine is read; JSON is YAML.
  const file = join(data, 'test-config.yaml')
  writeFileSync(file, JSON.stringify(config ?? {}, null, 2))
  return ['--config', file]
}

function stampOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.ino}-${stat.mtimeNs}-${stat.size}`
}

/** Undefined while the file is only half written. */
function readReady(file: string): Ready | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
