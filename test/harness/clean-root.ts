import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'vitest'
import { requireConfiguredArchive } from './apt.ts'
import { cleanEnv, type Run, run } from './child-process.ts'
import { succeeded } from './npm.ts'
import { KEPT_PROGRAMS, missing, npmCommand, requireTool } from './tools.ts'

const TIMEOUT_MS = 240_000
/** Where programs are in it, and those that lead into it on this machine. */
export const PATH_OF_ROOT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** What says where names are looked up, whom to trust and which registry npm asks, where it is set. */
const OF_THE_NETWORK = ['/etc/resolv.conf', '/etc/hosts', '/etc/npmrc']

/**
 * An archive of a fresh Debian, as debootstrap makes it of what this machine's apt is configured for, once; skips the test where it
 * cannot, or may not change into another root.
 */
export async function requireDebian(context: TestContext): Promise<string> {
  const debootstrap = requireTool(context, 'debootstrap')
  const unshare = requireTool(context, 'unshare')
  const may = await run([unshare, '--mount', '--pid', '--fork', 'true'], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS })
  if (process.getuid?.() !== 0 || may.code !== 0)
    return missing(context, 'debootstrap', 'only root may change into another root')
  const { url, suite } = await requireConfiguredArchive(context)
  const kept = join(KEPT_PROGRAMS, `debian-${suite}-${arch()}.tar`)
  if (existsSync(kept)) return kept
  mkdirSync(KEPT_PROGRAMS, { recursive: true })
  const making = mkdtempSync(join(KEPT_PROGRAMS, 'making-'))
  try {
    const root = join(making, 'root')
    const made = await run([debootstrap, '--variant=minbase', suite, root, url], {
      cwd: '/',
      env: cleanEnv(),
      timeoutMs: TIMEOUT_MS,
    })
    if (made.code !== 0)
      return missing(context, 'debootstrap', `debootstrap made no root: ${made.stdout.trim().split('\n').at(-1)}`)
    const archive = join(making, 'root.tar')
    succeeded(await run(['tar', '-C', root, '-cf', archive, '.'], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS }))
    renameSync(archive, kept)
    return kept
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** A root of its own with Node and npm in it, as the images of Node are, and the network of this machine. */
export class CleanRoot {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** @param folder an empty one that belongs to it */
  static async unpack(archive: string, folder: string): Promise<CleanRoot> {
    succeeded(await run(['tar', '-C', folder, '-xf', archive], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS }))
    const root = new CleanRoot(folder)
    copyFileSync(process.execPath, root.at('/usr/local/bin/node'))
    const [, script = ''] = npmCommand()
    cpSync(dirname(dirname(script)), root.at('/usr/local/lib/node_modules/npm'), { recursive: true })
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', root.at('/usr/local/bin/npm'))
    return root
  }

  /** Where a path of it is on this machine. */
  at(path: string): string {
    return join(this.folder, path)
  }

  /** Gives it what this machine's npm needs to reach its registry. */
  connect(): Record<string, string> {
    const user = join(process.env.HOME ?? '/root', '.npmrc')
    const trust = process.env.NODE_EXTRA_CA_CERTS
    for (const file of [...OF_THE_NETWORK, ...(trust === undefined ? [] : [trust])]) {
      if (!existsSync(file)) continue
      mkdirSync(dirname(this.at(file)), { recursive: true })
      copyFileSync(file, this.at(file))
    }
    if (existsSync(user)) copyFileSync(user, this.at('/root/.npmrc'))
    const registry = process.env.npm_config_registry
    return { ...(trust && { NODE_EXTRA_CA_CERTS: trust }), ...(registry && { npm_config_registry: registry }) }
  }

  /** Runs a command line in it as root, to its end, with nothing of this machine's environment. */
  async sh(command: string, { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> }): Promise<Run> {
    const into = [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      `--mount-proc=${this.at('/proc')}`,
      'chroot',
      this.folder,
    ] as const
    return run(['unshare', ...into, 'sh', '-ec', `mkdir -p ${cwd}\ncd ${cwd}\n${command}`], {
      cwd: '/',
      env: { PATH: PATH_OF_ROOT, HOME: '/root', ...env },
      timeoutMs: TIMEOUT_MS,
    })
  }

  /**
   * How to run a program in it as a user, with the root read-only and one folder of this machine mounted; what is appended is the
   * program with its arguments. Signals reach the program itself.
   */
  confined(user: string, mount: { from: string; to: string }): [string, ...string[]] {
    const root = this.folder
    const script = [
      `mount --bind ${root} ${root}`,
      `mount -o remount,bind,ro ${root}`,
      `mount -t proc proc ${this.at('/proc')}`,
      `mount --bind ${mount.from} ${this.at(mount.to)}`,
      `exec chroot --userspec=${user} ${root} "$@"`,
    ]
    return ['unshare', '--mount', 'sh', '-ec', script.join('\n'), 'sh']
  }
}
