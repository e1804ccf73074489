import { mkdirSync } from 'node:fs'
import { cleanEnv, type Run, run } from './child-process.ts'
import { succeeded } from './npm.ts'

const TIMEOUT_MS = 60_000

/** The real umoci, on OCI image layouts in folders. */
export class Umoci {
  readonly #program: string
  readonly #home: string

  /** @param home an empty folder that belongs to it */
  constructor(program: string, home: string) {
    this.#program = program
    this.#home = home
    mkdirSync(home, { recursive: true })
  }

  /** Makes a layout with one image, whose layers each bring one of the files or folders to the root of the image. */
  async make(layout: string, tag: string, sources: Readonly<Record<string, string>>): Promise<void> {
    const image = `${layout}:${tag}`
    succeeded(await this.#run('init', '--layout', layout))
    succeeded(await this.#run('new', '--image', image))
    for (const [target, source] of Object.entries(sources))
      succeeded(await this.#run('insert', '--image', image, source, `/${target}`))
  }

  /** Unpacks an image of a layout: its files lie in `<bundle>/rootfs`. */
  async unpack(layout: string, tag: string, bundle: string): Promise<void> {
    succeeded(await this.#run('unpack', '--rootless', '--image', `${layout}:${tag}`, bundle))
  }

  #run(...args: string[]): Promise<Run> {
    return run([this.#program, ...args], { cwd: this.#home, env: cleanEnv({ HOME: this.#home }), timeoutMs: TIMEOUT_MS })
  }
}
