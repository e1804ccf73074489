import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, run } from './child-process.ts'
import { succeeded } from './npm.ts'
import { missing, requireTool } from './tools.ts'

const TIMEOUT_MS = 60_000
const SETTINGS = '/etc/containers'

/** Path of podman; skips the test, saying why, when it is not installed or may not do its work. */
export function requirePodman(context: TestContext): string {
  requireTool(context, 'unshare')
  const program = requireTool(context, 'podman')
  if (process.getuid?.() !== 0)
    return missing(context, 'podman', 'podman is run as root, with settings of its own in place of the system’s')
  return program
}

/** The real podman of root, whose `/etc/containers` is a folder of ours: it pulls images and runs none. */
export class Podman {
  readonly #program: string
  readonly #root: string
  readonly #folder: string
  readonly #env: Readonly<Record<string, string>>

  /**
   * @param root stands for `/` where its settings are concerned, of which it gets those of this machine
   * @param folder an empty one that belongs to it
   * @param env what it is told of the world
   */
  constructor(program: string, root: string, folder: string, env: Readonly<Record<string, string>>) {
    this.#program = program
    this.#root = root
    this.#folder = folder
    this.#env = env
    mkdirSync(join(folder, 'tmp'))
    mkdirSync(join(root, 'etc'))
    cpSync(SETTINGS, join(root, SETTINGS), { recursive: true })
  }

  /** Pulls an image, tells digests of its unpacked layers, and forgets it. */
  async layersOf(reference: string): Promise<string[]> {
    await this.#run('pull', reference)
    const layers = JSON.parse(await this.#run('image', 'inspect', '--format', '{{json .RootFS.Layers}}', reference))
    await this.#run('rmi', reference)
    return layers
  }

  async #run(...args: string[]): Promise<string> {
    const place = ['--root', join(this.#folder, 'root'), '--runroot', join(this.#folder, 'run')]
    const own = [...place, '--tmpdir', join(this.#folder, 'state'), '--storage-driver', 'vfs']
    // A mount that no other process sees, and that is gone with this one.
    const script = `mount --bind "$0" ${SETTINGS} && exec "$@"`
    const within = ['unshare', '--mount', 'sh', '-c', script, join(this.#root, SETTINGS)] as const
    const env = cleanEnv({ ...this.#env, HOME: this.#folder, TMPDIR: join(this.#folder, 'tmp') })
    return succeeded(
      await run([...within, this.#program, ...own, ...args], { cwd: this.#folder, env, timeoutMs: TIMEOUT_MS }),
    ).stdout.trim()
  }
}
