import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atHome, cleanEnv, run } from './child-process.ts'
import { NOTHING_OUTSIDE } from './dead-end.ts'
import { freePort } from './server-process.ts'
import type { ShellBlock } from './shell-blocks.ts'
import { npmCommand } from './tools.ts'
import { eventually, firstOf } from './wait.ts'

const ENTRY = fileURLToPath(new URL('../../admin/cli/warren.js', import.meta.url))
const BLOCK_LIMIT_MS = 120_000
/** After that long a node that was asked to stop is killed. */
const STOP_LIMIT_MS = 15_000
/** The end of a node's output that is kept, in characters. */
const KEPT_OUTPUT = 64 * 1024
/** What ends a block that goes on until somebody presses Ctrl-C. */
const RUNS_A_NODE = /^(?:\w+=\S+ )*(?:npm start|warren up)\b[^|&;]*$/

interface Machine {
  readonly home: string
  /** Ports that stand for 7470, 7471 and 7472. */
  readonly ports: readonly number[]
  readonly env: Readonly<Record<string, string>>
  node: { child: ChildProcess; output: string } | undefined
}

/**
 * Machines of people who copy and paste from a page: homes of their own on this machine, with the commands that they have, and
 * settings that lead nowhere outside. Where a page says 127.0.0.1:7470 or `bob.example:7471` they have ports of their own.
 */
export class DocMachines {
  readonly #folder: string
  readonly #config: unknown
  readonly #machines = new Map<string, Machine>()

  /** @param config of each node, as it would stand in the file */
  constructor(folder: string, config: unknown) {
    this.#folder = folder
    this.#config = config
  }

  home(name: string): string {
    return this.#get(name).home
  }

  /** Sets up a machine with nothing but a fresh home. */
  async add(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const home = join(this.#folder, name)
      const ports = [await freePort(), await freePort(), await freePort()]
      mkdirSync(join(home, '.config/warren'), { recursive: true })
      writeFileSync(join(home, '.config/warren/config.yaml'), JSON.stringify(this.#config))
      const [mirrors, mesh, blobs] = ports.map((port) => `127.0.0.1:${port}`)
      const env = {
        ...NOTHING_OUTSIDE,
        NO_PROXY: '127.0.0.1',
        ...atHome(home),
        WARREN_LISTEN: mirrors ?? '',
        WARREN_MESH_LISTEN: mesh ?? '',
        WARREN_MESH_BLOBS: blobs ?? '',
        WARREN_MESH_MDNS: 'false',
        WARREN_STORE_MIN_FREE: '1MiB',
        // A page has dozens of commands, and half of the time of each goes into reading its own sources.
        NODE_COMPILE_CACHE: join(this.#folder, 'compiled'),
        npm_config_audit: 'false',
        npm_config_update_notifier: 'false',
      }
      this.#machines.set(name, { home, ports, env, node: undefined })
    }
    this.#writeCommands()
  }

  /** Runs a block where it says, else on `usual`. */
  async run(block: ShellBlock, usual: string): Promise<void> {
    for (const name of block.machines.length > 0 ? block.machines : [usual]) {
      if (block.isStopped) await this.stop(name)
      await this.paste(name, block.text).catch((error) => {
        throw new Error(`${block.page}:${block.line}: ${error.message}`, { cause: error })
      })
    }
  }

  /** Has a shell of that machine run what somebody pastes; resolves with what it wrote to stdout, or once the node in its last line is ready. */
  async paste(name: string, pasted: string): Promise<string> {
    const machine = this.#get(name)
    const text = this.#here(pasted, machine)
    const env = cleanEnv({ ...machine.env, PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}` })
    const options = { cwd: machine.home, env, timeoutMs: BLOCK_LIMIT_MS }
    if (RUNS_A_NODE.test(lastLineOf(text))) return this.#start(machine, text, options)
    const done = await run(['bash', '--norc', '-euo', 'pipefail', '-c', text], options)
    if (done.code === 0) return done.stdout
    throw new Error(`${name} ended with ${done.code}:\n${text}\n${done.stdout}\n${done.stderr}`)
  }

  /** As Ctrl-C does. */
  async stop(name: string): Promise<void> {
    const machine = this.#get(name)
    const { node } = machine
    machine.node = undefined
    if (node) await ended(node.child, 'SIGINT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#machines.keys()].map((name) => this.stop(name)))
  }

  async #start(machine: Machine, text: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<string> {
    // The shell becomes the node, so that a signal to it is one to the node.
    const lines = text.trimEnd().split('\n')
    const [, variables, command] = /^((?:\w+=\S+ )*)(.+)$/.exec(lines.pop() ?? '') ?? []
    const script = [...lines, ...(variables ? [`export ${variables}`] : []), `exec ${command}`].join('\n')
    const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const node = { child, output: '' }
    machine.node = node
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => {
        node.output = (node.output + piece).slice(-KEPT_OUTPUT)
      })
    await eventually('the node is ready', () => {
      if (child.exitCode !== null) throw new Error(`the node ended with ${child.exitCode}:\n${node.output}`)
      return node.output.includes('"msg":"ready"')
    })
    return node.output
  }

  #here(text: string, machine: Machine): string {
    return text.replace(/\b(?:([a-z]\w*)\.example|127\.0\.0\.1|localhost):747([012])\b/g, (_, name: string, at: string) => {
      const { ports } = name === undefined ? machine : this.#get(name)
      return `127.0.0.1:${ports[Number(at)]}`
    })
  }

  #get(name: string): Machine {
    const machine = this.#machines.get(name)
    if (!machine) throw new Error(`there is no machine ${name}`)
    return machine
  }

  /** What stands for programs that readers have: the installed command, npm in a checkout, and ways to other machines. */
  #writeCommands(): void {
    const warren = `exec '${process.execPath}' '${ENTRY}'`
    const [npm, ...first] = npmCommand()
    const real = [npm, ...first].map((word) => `'${word}'`).join(' ')
    this.#program('warren', `${warren} "$@"`)
    this.#program(
      'npm',
      `[ "$1" = start ] && ${warren} up
if [ "$1 $2 $3" = 'run -s warren' ]; then
  shift 3
  for word; do shift; [ "$word" = -- ] || set -- "$@" "$word"; done
  ${warren} "$@"
fi
exec ${real} "$@"`,
    )
    this.#program('scp', `for last; do :; done; cp "$1" '${this.#folder}'/"\${last%%.*}"/`)
  }

  #program(name: string, text: string): void {
    const file = join(this.#folder, 'bin', name)
    mkdirSync(join(this.#folder, 'bin'), { recursive: true })
    writeFileSync(file, `#!/bin/bash\n${text}\n`)
    chmodSync(file, 0o755)
  }
}

function lastLineOf(text: string): string {
  return (
    text
      .trimEnd()
      .split('\n')
      .at(-1)
      ?.replace(/\s+#.*$/, '') ?? ''
  )
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = firstOf(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await gone
  clearTimeout(timer)
}
