import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { DEAD_END, NOTHING_OUTSIDE } from './dead-end.ts'
import { succeeded } from './npm.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { missing, requireTool } from './tools.ts'

const TIMEOUT_MS = 180_000
/** What only running containers need, and what would make folders outside of ours. */
const NOT_NEEDED = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.restart',
  'io.containerd.runtime.v1.linux',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.overlayfs',
  'io.containerd.snapshotter.v1.zfs',
]

export interface ContainerdPrograms {
  readonly containerd: string
  readonly ctr: string
}

/** The programs; skips the test, saying why, when they are not installed or may not do their work. */
export function requireContainerd(context: TestContext): ContainerdPrograms {
  const programs = { containerd: requireTool(context, 'containerd'), ctr: requireTool(context, 'ctr') }
  if (process.getuid?.() !== 0) return missing(context, 'containerd', 'containerd can only be run by root')
  return programs
}

/** A real containerd with content, state and socket of its own; it pulls images and runs none. */
export class Containerd {
  readonly #ctr: string
  readonly #folder: string
  readonly #server: ServerProcess

  private constructor(ctr: string, folder: string, server: ServerProcess) {
    this.#ctr = ctr
    this.#folder = folder
    this.#server = server
  }

  /** @param folder an empty one that belongs to it, with a path of at most 80 bytes: a socket lies in it */
  static async start(programs: ContainerdPrograms, folder: string): Promise<Containerd> {
    const socket = socketIn(folder)
    const config = join(folder, 'config.toml')
    mkdirSync(join(folder, 'hosts'), { recursive: true })
    writeFileSync(config, configuration(folder, socket))
    const server = await startServer({
      program: programs.containerd,
      args: ['--config', config],
      cwd: folder,
      env: NOTHING_OUTSIDE,
      url: `unix:${socket}`,
      ready: async () => (await runCtr(programs.ctr, folder, ['version'])).code === 0,
    })
    return new Containerd(programs.ctr, folder, server)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  /**
   * Sends pulls from a registry to `url` first, as a `hosts.toml` does; in place of the registry itself there is a dead end, so
   * that nothing leaves this machine. `_default` is every registry without an entry. A later entry replaces the one of before.
   */
  mirror(registry: string, url: string, settings: { readonly overridePath?: boolean } = {}): void {
    const folder = join(this.#hosts, registry)
    mkdirSync(folder, { recursive: true })
    const override = settings.overridePath ? 'override_path = true\n' : ''
    const host = `[host."${url}"]\ncapabilities = ["pull", "resolve"]\n${override}`
    writeFileSync(join(folder, 'hosts.toml'), `server = "http://${DEAD_END}"\n\n${host}`)
  }

  /** Sends pulls from a registry nowhere but where `_default` says. */
  unmirror(registry: string): void {
    rmSync(join(this.#hosts, registry), { recursive: true, force: true })
  }

  /** Pulls and unpacks, for the platform of this machine unless options such as `--all-platforms` say otherwise. */
  async pull(reference: string, ...options: string[]): Promise<void> {
    succeeded(await this.tryPull(reference, ...options))
  }

  /** As `pull`, whatever becomes of it. */
  tryPull(reference: string, ...options: string[]): Promise<Run> {
    return this.ctr('images', 'pull', '--hosts-dir', this.#hosts, '--snapshotter', 'native', ...options, reference)
  }

  /** Digests of all content that it holds, sorted. */
  async held(): Promise<string[]> {
    return lines(succeeded(await this.ctr('content', 'ls', '--quiet'))).sort()
  }

  /** Bytes of a manifest that it holds, or of another text of up to 256 KiB. */
  async text(digest: string): Promise<string> {
    return succeeded(await this.ctr('content', 'get', digest)).stdout
  }

  /** Removes all content and all images, from disk too: content that is only unlinked would be taken up by the next pull. */
  async forget(): Promise<void> {
    const held = await this.held()
    if (held.length > 0) succeeded(await this.ctr('content', 'rm', ...held))
    const images = lines(succeeded(await this.ctr('images', 'ls', '--quiet')))
    if (images.length > 0) succeeded(await this.ctr('images', 'rm', '--sync', ...images))
    const left = this.#onDisk()
    if (left.length > 0) throw new Error(`containerd still has ${left.join(', ')} after its content was removed`)
  }

  /** Any command of ctr, whatever becomes of it. */
  ctr(...args: string[]): Promise<Run> {
    return runCtr(this.#ctr, this.#folder, args)
  }

  get #hosts(): string {
    return join(this.#folder, 'hosts')
  }

  #onDisk(): string[] {
    return readdirSync(join(this.#folder, 'root/io.containerd.content.v1.content/blobs/sha256'))
  }
}

function socketIn(folder: string): string {
  return join(folder, 'containerd.sock')
}

function configuration(folder: string, socket: string): string {
  return `version = 2
root = "${join(folder, 'root')}"
state = "${join(folder, 'state')}"
disabled_plugins = [${NOT_NEEDED.map((name) => `"${name}"`).join(', ')}]
[grpc]
address = "${socket}"
`
}

function runCtr(ctr: string, folder: string, args: readonly string[]): Promise<Run> {
  const env = cleanEnv({ ...NOTHING_OUTSIDE, HOME: folder })
  return run([ctr, '--address', socketIn(folder), ...args], { cwd: folder, env, timeoutMs: TIMEOUT_MS })
}

function lines({ stdout }: Run): string[] {
  return stdout.split('\n').filter((line) => line !== '')
}
