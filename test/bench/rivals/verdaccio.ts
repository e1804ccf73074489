import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../harness/child-process.ts'
import { freePort, type ServerProcess, startServer } from '../../harness/server-process.ts'
import { npmCommand } from '../../harness/tools.ts'
import { type Bench, tempFolder } from '../bench.ts'
import type { Upstream } from '../upstream.ts'
import { installOnce, lastLine } from './tools.ts'

const VERSION = '6.10.4'
/** The version that it asks for warns about itself on every start with a current Node. */
const OVERRIDES = { 'node-fetch': '2.7.0' }
const INSTALL_LIMIT_MS = 300_000

/** Verdaccio as a proxy of our upstream, with what it fetched kept in a folder. */
export class Verdaccio {
  readonly #home: string

  private constructor(home: string) {
    this.#home = home
  }

  /** Installs it from the registry that npm is configured for, once; gives the reason when that cannot be. */
  static async install(bench: Bench): Promise<Verdaccio | string> {
    const installed = await installOnce(bench, `verdaccio-${VERSION}`, async (folder) => {
      const manifest = { private: true, dependencies: { verdaccio: VERSION }, overrides: OVERRIDES }
      writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
      const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'] as const
      const done = await run([...npmCommand(), ...args], { cwd: folder, env: process.env, timeoutMs: INSTALL_LIMIT_MS })
      return done.code === 0 ? undefined : `npm could not install verdaccio@${VERSION}: ${lastLine(done.stderr)}`
    })
    return 'home' in installed ? new Verdaccio(installed.home) : installed.why
  }

  async start(stack: AsyncDisposableStack, upstream: Upstream, signal: AbortSignal): Promise<ServerProcess> {
    const folder = tempFolder(stack, 'verdaccio')
    const config = join(folder, 'config.yaml')
    // JSON is YAML. What it fetched stays fresh for the whole run, as in a node.
    const settings = {
      storage: join(folder, 'storage'),
      web: { enable: false },
      uplinks: { upstream: { url: `${upstream.url}/`, maxage: '1h', cache: true } },
      packages: { '**': { access: '$all', proxy: 'upstream' } },
      log: { type: 'stdout', format: 'json', level: 'error' },
    }
    writeFileSync(config, JSON.stringify(settings, null, 2))
    const port = await freePort()
    const program = join(this.#home, 'node_modules/verdaccio/bin/verdaccio')
    const args = [program, '--config', config, '--listen', `127.0.0.1:${port}`]
    const env = { HOME: folder, NODE_ENV: 'production' }
    const url = `http://127.0.0.1:${port}`
    return stack.use(await startServer({ program: process.execPath, args, env, url, cwd: folder, signal }))
  }
}
