import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { cleanEnv } from './child-process.ts'
import { get } from './http.ts'
import { cpuSecondsOfTree } from './proc.ts'
import { eventually, firstOf } from './wait.ts'

const READY_LIMIT_MS = 30_000
/** A server that does not end by itself within this is killed. */
const STOP_LIMIT_MS = 5_000
/** The end of a server's output that is kept for messages, in characters. */
const KEPT_OUTPUT = 16 * 1024

/** A server in a process of its own. Disposing it ends that process, by its id. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string
  readonly pid: number
  readonly #child: ChildProcess

  constructor(child: ChildProcess, url: string) {
    if (child.pid === undefined) throw new Error('the process has no id')
    this.url = url
    this.pid = child.pid
    this.#child = child
  }

  /** CPU time used so far, by it and by its own children; undefined where there is no /proc. */
  cpuSeconds(): number | undefined {
    return cpuSecondsOfTree(this.pid)
  }

  /** Asks it to end, and kills it when it does not in time; resolves when it is gone. */
  async stop(): Promise<void> {
    await end(this.#child)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

export interface ServerInit {
  readonly program: string
  readonly args: readonly string[]
  readonly url: string
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Whether it serves; by default when it answers HTTP at `url`. */
  readonly ready?: () => Promise<boolean>
  readonly signal?: AbortSignal
}

/** Starts a program and resolves once it serves; rejects with its output when it ends instead. */
export async function startServer(init: ServerInit): Promise<ServerProcess> {
  const child = spawn(init.program, init.args, { cwd: init.cwd, env: cleanEnv(init.env), stdio: ['ignore', 'pipe', 'pipe'] })
  const output = outputOf(child)
  const ready = init.ready ?? (() => answersHttp(init.url))
  try {
    await eventually(
      `${init.program} serves`,
      () => {
        init.signal?.throwIfAborted()
        if (output.failure) throw output.failure
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${init.program} ended with ${child.exitCode}`)
        return ready()
      },
      READY_LIMIT_MS,
    )
    return new ServerProcess(child, init.url)
  } catch (error) {
    await end(child)
    throw new Error(`${error instanceof Error ? error.message : error}\n${output.text}`, { cause: error })
  }
}

/** Starts a TypeScript program of ours that tells its URL in its first message, and that ends when we do. */
export async function startModule(file: URL, args: readonly string[] = []): Promise<ServerProcess> {
  const child = fork(file, args, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const output = outputOf(child)
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  try {
    const [message] = (await once(child, 'message', { signal: ended.signal })) as [{ url: string }]
    return new ServerProcess(child, message.url)
  } catch (error) {
    await end(child)
    throw new Error(`${file.pathname} did not start:\n${output.text}`, { cause: error })
  }
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function answersHttp(url: string): Promise<boolean> {
  return get(url).then(
    () => true,
    () => false,
  )
}

function outputOf(child: ChildProcess): { text: string; failure?: Error } {
  const output: { text: string; failure?: Error } = { text: '' }
  child.on('error', (error) => {
    output.failure = error
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output.text = (output.text + text).slice(-KEPT_OUTPUT)
    })
  }
  return output
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = firstOf(child, 'exit')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  child.kill('SIGTERM')
  await gone
  clearTimeout(late)
}
