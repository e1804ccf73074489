import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../../../admin/cli/programs.ts'
import { run } from '../../harness/child-process.ts'
import { freePort, type ServerProcess, startServer } from '../../harness/server-process.ts'
import { type Bench, tempFolder } from '../bench.ts'
import { installOnce, lastLine } from './tools.ts'

/** As in `goproxy/go.mod`. */
const VERSION = '0.26.1'
const SOURCES = fileURLToPath(new URL('goproxy/', import.meta.url))
/** A first build compiles the standard library. */
const BUILD_LIMIT_MS = 300_000

interface GoUpstream {
  readonly url: string
  /** Of its checksum database, as GOSUMDB has it. */
  readonly sumdb: string
}

/** A server of the module `goproxy` over a folder. */
export class Goproxy {
  readonly #program: string

  private constructor(program: string) {
    this.#program = program
  }

  /** Builds it with what the go command gets from where it is configured to, once; gives the reason when that cannot be. */
  static async build(bench: Bench): Promise<Goproxy | string> {
    const go = findProgram('go')
    if (go === undefined) return 'there is no go command (apt-get install golang-go)'
    const installed = await installOnce(bench, `goproxy-${VERSION}`, async (folder) => {
      cpSync(SOURCES, folder, { recursive: true })
      const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off', PWD: folder }
      const done = await run([go, 'build', '-o', 'goproxy', '.'], { cwd: folder, env, timeoutMs: BUILD_LIMIT_MS })
      return done.code === 0 ? undefined : `go could not build goproxy ${VERSION}: ${lastLine(done.stderr)}`
    })
    return 'home' in installed ? new Goproxy(join(installed.home, 'goproxy')) : installed.why
  }

  async start(stack: AsyncDisposableStack, { url: upstream, sumdb }: GoUpstream, signal: AbortSignal): Promise<ServerProcess> {
    const folder = tempFolder(stack, 'goproxy')
    const address = `127.0.0.1:${await freePort()}`
    const env = { HOME: folder, GOPROXY: upstream, GOSUMDB: sumdb }
    const url = `http://${address}`
    return stack.use(await startServer({ program: this.#program, args: [address, folder], env, url, cwd: folder, signal }))
  }
}
