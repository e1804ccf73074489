import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, type TestContext } from 'vitest'
import type { TempFolders } from './temp.ts'
import { missing, requireTool } from './tools.ts'

/** A disk of its own in memory that is soon full. */
export class SmallDisk {
  readonly folder: string
  readonly #filler: string

  private constructor(folder: string) {
    this.folder = folder
    this.#filler = join(folder, 'filler')
  }

  /** Skips the test, saying why, where there is no right to mount one. It is gone after the test: stop before what uses it. */
  static create(context: TestContext, temp: TempFolders, mebibytes: number): SmallDisk {
    const [mount, umount] = ['mount', 'umount'].map((name) => requireTool(context, name)) as [string, string]
    const folder = temp.create('disk')
    try {
      execFileSync(mount, ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { stdio: 'pipe' })
    } catch (error) {
      missing(context, 'tmpfs', `no file system can be mounted here: ${error instanceof Error ? error.message : error}`)
    }
    onTestFinished(() => void execFileSync(umount, ['--lazy', folder], { stdio: 'pipe' }))
    return new SmallDisk(folder)
  }

  /** Takes all room that is left, to the last byte. */
  fill(): void {
    const fd = openSync(this.#filler, 'a')
    try {
      for (let size = 1 << 20; size >= 1; ) {
        try {
          writeSync(fd, Buffer.alloc(size))
        } catch {
          size >>= 1
        }
      }
    } finally {
      closeSync(fd)
    }
  }

  /** Gives it back. */
  empty(): void {
    rmSync(this.#filler, { force: true })
  }
}
