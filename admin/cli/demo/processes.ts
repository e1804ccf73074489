import { type ChildProcess, spawn } from 'node:child_process'
import { reasonOf } from '../../../node/errors.ts'

/** Ms that a process gets to end by itself; answers under way at a node may take a while. */
const GRACE = 10_000
/** Characters of output that are kept, from its end. */
const KEPT = 256 << 10

export interface Ended {
  /** Null when a signal ended it, or when it never ran. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly ended: Promise<Ended>
  /** Asks it to end, and ends it when it does not. Idempotent. */
  stop(): Promise<void>
}

export interface ProcessInit {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** The processes that the demo started, so that none outlives it. */
export class Processes {
  readonly #children = new Map<ChildProcess, Running>()
  #closed = false

  /** Throws once they are being ended. */
  start([program, ...args]: readonly [string, ...string[]], init: ProcessInit): Running {
    if (this.#closed) throw new Error('the demo is ending')
    const child = spawn(program, args, { ...init, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] = (output[name] + text).slice(-KEPT)
      })
    const { promise: ended, resolve } = Promise.withResolvers<Ended>()
    child.on('error', (error) => {
      output.stderr += `${reasonOf(error)}\n`
    })
    child.on('close', (code) => {
      this.#children.delete(child)
      // Negative: it could not be started.
      resolve({ code: code !== null && code < 0 ? null : code, ...output })
    })
    const stop = async () => {
      if (child.exitCode === null) child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), GRACE)
      await ended
      clearTimeout(late)
    }
    const running = { ended, stop }
    this.#children.set(child, running)
    return running
  }

  /** Asks all of them to end; resolves when none is left. */
  async stop(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#children.values()].map((running) => running.stop()))
  }

  /** Ends all of them at once; for when somebody insists. */
  kill(): void {
    this.#closed = true
    for (const child of this.#children.keys()) child.kill('SIGKILL')
  }
}
