import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { succeeded } from './npm.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { missing, requireTool } from './tools.ts'
import { eventually } from './wait.ts'

const TIMEOUT_MS = 60_000

export interface DockerPrograms {
  readonly dockerd: string
  readonly docker: string
}

/** The programs; skips the test, saying why, when they are not installed or may not do their work. */
export function requireDocker(context: TestContext): DockerPrograms {
  const programs = { dockerd: requireTool(context, 'dockerd'), docker: requireTool(context, 'docker') }
  if (process.getuid?.() !== 0) return missing(context, 'dockerd', 'dockerd can only be run by root')
  return programs
}

/** A real dockerd, with a containerd of its own below it, that pulls images and runs none. */
export class Dockerd {
  readonly #docker: string
  readonly #folder: string
  readonly #server: ServerProcess

  private constructor(docker: string, folder: string, server: ServerProcess) {
    this.#docker = docker
    this.#folder = folder
    this.#server = server
  }

  /** What has to be in its `daemon.json`, so that it has a folder to itself. */
  static settings(folder: string): Readonly<Record<string, unknown>> {
    return {
      'data-root': join(folder, 'data'),
      'exec-root': join(folder, 'exec'),
      pidfile: join(folder, 'pid'),
      hosts: [addressIn(folder)],
      'storage-driver': 'vfs',
      // Whatever would change the network of this machine.
      bridge: 'none',
      iptables: false,
      ip6tables: false,
    }
  }

  /**
   * @param settings its `daemon.json`, with what `settings` says
   * @param folder an empty one that belongs to it, with a path of at most 60 bytes: sockets lie in it
   * @param env what the daemon is told of the world
   */
  static async start(
    { docker, dockerd }: DockerPrograms,
    settings: string,
    folder: string,
    env: Readonly<Record<string, string>>,
  ): Promise<Dockerd> {
    const server = await startServer({
      program: dockerd,
      args: ['--config-file', settings],
      cwd: folder,
      env,
      url: addressIn(folder),
      ready: async () => (await runDocker(docker, folder, ['version'])).code === 0,
    })
    return new Dockerd(docker, folder, server)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  /** Has it read its settings again, as `systemctl reload docker` does; resolves once it has a mirror. */
  async reload(): Promise<void> {
    process.kill(this.#server.pid, 'SIGHUP')
    await eventually('dockerd has read its settings', async () => (await this.mirrors()).length > 0)
  }

  /** Pulls an image, tells digests of its unpacked layers, and forgets it. */
  async layersOf(reference: string): Promise<string[]> {
    await this.#run('pull', reference)
    const layers = JSON.parse(await this.#run('image', 'inspect', '--format', '{{json .RootFS.Layers}}', reference))
    await this.#run('image', 'rm', reference)
    return layers
  }

  /** Where it looks for images of Docker Hub first. */
  async mirrors(): Promise<string[]> {
    return JSON.parse(await this.#run('info', '--format', '{{json .RegistryConfig.Mirrors}}')) ?? []
  }

  async #run(...args: string[]): Promise<string> {
    return succeeded(await runDocker(this.#docker, this.#folder, args)).stdout.trim()
  }
}

function addressIn(folder: string): string {
  return `unix://${join(folder, 'sock')}`
}

function runDocker(docker: string, folder: string, args: readonly string[]): Promise<Run> {
  const env = cleanEnv({ HOME: folder, DOCKER_HOST: addressIn(folder) })
  return run([docker, ...args], { cwd: folder, env, timeoutMs: TIMEOUT_MS })
}
