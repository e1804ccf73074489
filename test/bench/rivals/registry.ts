import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../../admin/cli/programs.ts'
import { exchange } from '../../harness/http.ts'
import { freePort, type ServerProcess, startServer } from '../../harness/server-process.ts'
import { tempFolder } from '../bench.ts'

export const REGISTRY_MISSING = 'docker-registry is not installed (apt-get install docker-registry)'
const REPOSITORY = 'bench/blob'

/** The CNCF distribution registry over a folder, with its descriptor cache on as in Debian's own configuration. */
export class Registry {
  readonly #program: string

  private constructor(program: string) {
    this.#program = program
  }

  /** Undefined when it is not installed. */
  static find(): Registry | undefined {
    const program = findProgram('docker-registry')
    return program === undefined ? undefined : new Registry(program)
  }

  async start(stack: AsyncDisposableStack, signal: AbortSignal): Promise<ServerProcess> {
    const folder = tempFolder(stack, 'registry')
    const config = join(folder, 'config.yml')
    const port = await freePort()
    const settings = {
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { cache: { blobdescriptor: 'inmemory' }, filesystem: { rootdirectory: join(folder, 'storage') } },
      http: { addr: `127.0.0.1:${port}` },
    }
    writeFileSync(config, JSON.stringify(settings, null, 2))
    const url = `http://127.0.0.1:${port}`
    const env = { OTEL_TRACES_EXPORTER: 'none' }
    return stack.use(await startServer({ program: this.#program, args: ['serve', config], env, url, cwd: folder, signal }))
  }
}

/** Uploads a blob in one go (OCI distribution specification, «Pushing a blob monolithically»); resolves with its path. */
export async function pushBlob(url: string, bytes: Buffer): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const begun = await exchange(`${url}/v2/${REPOSITORY}/blobs/uploads/`, { method: 'POST' })
  const location = begun.headers.location
  if (begun.status !== 202 || location === undefined) throw new Error(`the registry answered ${begun.status} to an upload`)
  const target = new URL(location, url)
  target.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) }
  const ended = await exchange(target.href, { method: 'PUT', headers, body: bytes })
  if (ended.status !== 201) throw new Error(`the registry answered ${ended.status} to a blob: ${ended.body}`)
  return `/v2/${REPOSITORY}/blobs/${digest}`
}
