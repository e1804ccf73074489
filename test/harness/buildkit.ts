import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'vitest'
import { z } from 'zod'
import { findProgram } from '../../admin/cli/programs.ts'
import { cleanEnv, type Run, run } from './child-process.ts'
import { requireGoProgram } from './go-program.ts'
import { succeeded } from './npm.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { missing } from './tools.ts'

const TIMEOUT_MS = 60_000
const BUILDKIT = {
  module: 'github.com/moby/buildkit/cmd/buildkitd',
  beside: ['github.com/moby/buildkit/cmd/buildctl'],
  version: 'v0.12.5',
  name: 'buildkit',
}

export interface BuildkitPrograms {
  readonly buildkitd: string
  readonly buildctl: string
}

/** The programs, built once by the Go of this machine where they are not installed; skips the test, saying why, when there are none. */
export async function requireBuildkit(context: TestContext): Promise<BuildkitPrograms> {
  if (process.getuid?.() !== 0) return missing(context, 'buildkit', 'buildkitd can only be run by root')
  const [buildkitd, buildctl] = [findProgram('buildkitd'), findProgram('buildctl')]
  if (buildkitd !== undefined && buildctl !== undefined) return { buildkitd, buildctl }
  const built = await requireGoProgram(context, BUILDKIT)
  return { buildkitd: built, buildctl: join(dirname(built), 'buildctl') }
}

/** A real buildkitd with root and socket of its own, that builds from images and runs nothing. */
export class Buildkit {
  readonly #buildctl: string
  readonly #folder: string
  readonly #server: ServerProcess

  private constructor(buildctl: string, folder: string, server: ServerProcess) {
    this.#buildctl = buildctl
    this.#folder = folder
    this.#server = server
  }

  /**
   * @param settings its `buildkitd.toml`
   * @param folder an empty one that belongs to it, with a path of at most 80 bytes: a socket lies in it
   * @param env what the daemon is told of the world
   */
  static async start(
    { buildkitd, buildctl }: BuildkitPrograms,
    settings: string,
    folder: string,
    env: Readonly<Record<string, string>>,
  ): Promise<Buildkit> {
    const socket = addressIn(folder)
    const worker = ['--oci-worker-snapshotter=native', '--containerd-worker=false', '--oci-worker-net=host']
    const server = await startServer({
      program: buildkitd,
      args: ['--config', settings, '--root', join(folder, 'root'), '--addr', socket, ...worker],
      cwd: folder,
      env: { ...env, HOME: folder },
      url: socket,
      ready: async () => (await runBuildctl(buildctl, folder, ['debug', 'workers'])).code === 0,
    })
    return new Buildkit(buildctl, folder, server)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  /** Builds an image of nothing but another one, after it has forgotten all; resolves with digests of its unpacked layers. */
  async layersFrom(reference: string): Promise<string[]> {
    const [source, layout] = [join(this.#folder, 'source'), join(this.#folder, 'layout')]
    mkdirSync(source, { recursive: true })
    rmSync(layout, { recursive: true, force: true })
    writeFileSync(join(source, 'Dockerfile'), `FROM ${reference}\n`)
    await this.#run('prune', '--all')
    const local = ['--local', `context=${source}`, '--local', `dockerfile=${source}`]
    const output = `type=oci,tar=false,dest=${layout}`
    await this.#run('build', '--progress', 'plain', '--frontend', 'dockerfile.v0', ...local, '--output', output)
    const at = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'))
    const { manifests } = layoutSchema.parse(read(join(layout, 'index.json')))
    const { config } = manifestSchema.parse(read(at(manifests[0].digest)))
    return configSchema.parse(read(at(config.digest))).rootfs.diff_ids
  }

  async #run(...args: string[]): Promise<void> {
    succeeded(await runBuildctl(this.#buildctl, this.#folder, args))
  }
}

const named = z.object({ digest: z.string() })
const layoutSchema = z.object({ manifests: z.tuple([named]) })
const manifestSchema = z.object({ config: named })
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) })

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function addressIn(folder: string): string {
  return `unix://${join(folder, 'sock')}`
}

function runBuildctl(buildctl: string, folder: string, args: readonly string[]): Promise<Run> {
  const env = cleanEnv({ HOME: folder })
  return run([buildctl, '--addr', addressIn(folder), ...args], { cwd: folder, env, timeoutMs: TIMEOUT_MS })
}
