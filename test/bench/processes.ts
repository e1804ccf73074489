import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { cleanEnv } from '../harness/child-process.ts'
import { get } from '../harness/http.ts'
import { eventually, firstOf } from '../harness/wait.ts'
import { cpuSecondsOfTree } from './proc.ts'

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

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child)
  }
}

export interface ServerInit {
  readonly program: string
  readonly args: readonly string[]
  readonly url: string
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Starts a program and resolves once it answers HTTP at `url`; rejects with its output when it ends instead. */
export async function startServer(init: ServerInit): Promise<ServerProcess> {
  const child = spawn(init.program, init.args, { cwd: init.cwd, env: cleanEnv(init.env), stdio: ['ignore', 'pipe', 'pipe'] })
  const output = outputOf(child)
  try {
    await eventually(
      `${init.program} answers`,
      async () => {
        init.signal.throwIfAborted()
        if (output.failure) throw output.failure
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${init.program} ended with ${child.exitCode}`)
        return get(init.url).then(
          () => true,
          () => false,
        )
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
