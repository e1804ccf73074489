import { findProgram } from '../../../admin/cli/programs.ts'
import { run } from '../../harness/child-process.ts'
import { freePort, type ServerProcess, startServer } from '../../harness/server-process.ts'
import { type Bench, tempFolder } from '../bench.ts'
import { installOnce, lastLine } from './tools.ts'

const VERSION = '1.3.1'
/** The server that its own image runs it with. */
const PACKAGES = [`proxpi==${VERSION}`, 'gunicorn==27.0.1']
const INSTALL_LIMIT_MS = 300_000
/** As its image has it: its cache is in memory, so that it can have one process only. */
const THREADS = '2'

/** proxpi as a proxy of an index, with what it fetched kept in a folder and its pages in memory. */
export class Proxpi {
  readonly #home: string
  readonly #python: string

  private constructor(home: string, python: string) {
    this.#home = home
    this.#python = python
  }

  /** Installs it from the index that pip is configured for, once; gives the reason when that cannot be. */
  static async install(bench: Bench): Promise<Proxpi | string> {
    const python = findProgram('python3')
    if (python === undefined) return 'there is no python3 (apt-get install python3-pip)'
    const installed = await installOnce(bench, `proxpi-${VERSION}`, async (folder) => {
      const args = ['-m', 'pip', 'install', '--target', folder, '--only-binary', ':all:', '--quiet', ...PACKAGES]
      const env = { ...process.env, PIP_ROOT_USER_ACTION: 'ignore', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
      const done = await run([python, ...args], { cwd: folder, env, timeoutMs: INSTALL_LIMIT_MS })
      return done.code === 0 ? undefined : `pip could not install proxpi ${VERSION}: ${lastLine(done.stderr)}`
    })
    return 'home' in installed ? new Proxpi(installed.home, python) : installed.why
  }

  /** @param base of the simple API, with a slash at its end */
  async start(stack: AsyncDisposableStack, base: string, signal: AbortSignal): Promise<ServerProcess> {
    const folder = tempFolder(stack, 'proxpi')
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const options = ['--threads', THREADS, '--preload', '--bind', `127.0.0.1:${port}`, '--keep-alive', '75']
    const args = ['-m', 'gunicorn', ...options, '--log-level', 'error', 'proxpi.server:app']
    const env = {
      HOME: folder,
      PYTHONPATH: this.#home,
      PYTHONDONTWRITEBYTECODE: '1',
      PROXPI_INDEX_URL: base,
      // What it fetched stays fresh for the whole run, as in a node; and it is to keep a file, not to send clients on to upstream.
      PROXPI_INDEX_TTL: '3600',
      PROXPI_DOWNLOAD_TIMEOUT: '60',
      PROXPI_CACHE_DIR: folder,
      PROXPI_LOGGING_LEVEL: 'ERROR',
    }
    const ready = () => answers(`${url}/health`)
    return stack.use(await startServer({ program: this.#python, args, env, url, cwd: folder, ready, signal }))
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url)
    await reply.body?.cancel()
    return reply.ok
  } catch {
    return false
  }
}
