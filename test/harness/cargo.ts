import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanEnv, type Run, run } from './child-process.ts'
import { NOTHING_OUTSIDE } from './dead-end.ts'

const TIMEOUT_MS = 180_000
/** The name by which cargo itself calls the registry that dependencies come from unless they name another. */
const DEFAULT_SOURCE = 'crates-io'

export interface CargoInit {
  readonly program: string
  /** An empty folder that belongs to this client: home, caches and project lie in it. */
  readonly work: string
  /** Base URL of a sparse index that stands in for the default registry. */
  readonly index: string
  /** Requirements by crate. */
  readonly dependencies: Readonly<Record<string, string>>
  /** Text of a Cargo.lock. */
  readonly lock?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The real cargo with a project, a home and caches of its own. */
export class Cargo {
  readonly project: string
  readonly #init: CargoInit
  readonly #home: string

  constructor(init: CargoInit) {
    this.#init = init
    this.project = join(init.work, 'project')
    this.#home = join(init.work, 'cargo')
    mkdirSync(join(this.project, 'src'), { recursive: true })
    mkdirSync(this.#home, { recursive: true })
    writeFileSync(join(this.project, 'src', 'main.rs'), 'fn main() {}\n')
    writeFileSync(join(this.project, 'Cargo.toml'), manifestOf(init.dependencies))
    if (init.lock !== undefined) writeFileSync(join(this.project, 'Cargo.lock'), init.lock)
    const { index } = init
    const config = `[source.${DEFAULT_SOURCE}]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "sparse+${index}"\n`
    writeFileSync(join(this.#home, 'config.toml'), config)
  }

  run(...args: string[]): Promise<Run> {
    return run([this.#init.program, ...args], {
      cwd: this.project,
      env: { ...cargoEnv(this.#home, this.#init.work), ...this.#init.env },
      timeoutMs: TIMEOUT_MS,
    })
  }

  /** Forgets all that it has of the registry, and what was built of it. */
  forget(): void {
    rmSync(join(this.#home, 'registry'), { recursive: true, force: true })
    rmSync(join(this.project, 'target'), { recursive: true, force: true })
  }

  get lock(): string {
    return readFileSync(join(this.project, 'Cargo.lock'), 'utf8')
  }

  /** Packages of the lockfile that came from a registry: name, version, checksum. */
  get locked(): { readonly name: string; readonly version: string; readonly sha256: string }[] {
    return [...this.lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]{64})"/g)].map(
      ([, name = '', version = '', sha256 = '']) => ({ name, version, sha256 }),
    )
  }
}

/**
 * Base URL of the sparse index that the cargo of whoever runs the tests uses, by its own word: what it fetches first, with a cache of
 * its own but in the configuration of the user. Undefined when it cannot be reached, or is no sparse one.
 */
export async function configuredIndex(program: string): Promise<string | undefined> {
  const own = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
  const files = ['config.toml', 'config'].filter((file) => existsSync(join(own, file)))
  const asked = await firstAsked(program, process.env, (home) => {
    for (const file of files) copyFileSync(join(own, file), join(home, file))
  })
  return asked.code === 0 ? asked.index : undefined
}

/** The one that cargo uses unless it is configured otherwise. Nothing leaves this machine. */
export async function defaultIndex(program: string): Promise<string | undefined> {
  const env = { ...cargoEnv('', tmpdir()), ...NOTHING_OUTSIDE, CARGO_NET_RETRY: '0' }
  return (await firstAsked(program, env)).index
}

async function firstAsked(program: string, env: NodeJS.ProcessEnv, prepare: (home: string) => void = () => {}) {
  const work = mkdtempSync(join(tmpdir(), 'warren-cargo-'))
  try {
    const home = join(work, 'cargo')
    mkdirSync(join(work, 'src'), { recursive: true })
    mkdirSync(home)
    prepare(home)
    writeFileSync(join(work, 'src', 'lib.rs'), '')
    writeFileSync(join(work, 'Cargo.toml'), manifestOf({ itoa: '1' }))
    const loud = { ...env, CARGO_HOME: home, CARGO_LOG: 'network=debug', CARGO_TERM_COLOR: 'never' }
    const { code, stderr } = await run([program, 'fetch'], { cwd: work, env: loud, timeoutMs: TIMEOUT_MS })
    const [, index] = /\bfetch (https?:\/\/\S+\/)config\.json\b/.exec(stderr) ?? []
    return { code, index: index && new URL(index).href }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function manifestOf(dependencies: CargoInit['dependencies']): string {
  const lines = Object.entries(dependencies).map(([name, req]) => `${name} = "${req}"\n`)
  return `[package]\nname = "project"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n${lines.join('')}`
}

function cargoEnv(home: string, work: string): NodeJS.ProcessEnv {
  // Where cargo is a proxy of rustup, that looks for its toolchains in the home of the user.
  const rustup = process.env.RUSTUP_HOME ?? join(homedir(), '.rustup')
  return cleanEnv({ HOME: work, CARGO_HOME: home, RUSTUP_HOME: rustup, CARGO_TERM_COLOR: 'never', RUSTUP_AUTO_INSTALL: '0' })
}
