import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { reasonOf } from '../../../node/errors.ts'
import { UsageError } from '../exit-codes.ts'

const MARK = 'warren-env.json'

/** A shell evaluates what is made of it. */
const variable = z.string().regex(/^[A-Za-z_]\w{0,63}$/)

const markSchema = z.object({
  v: z.literal(1),
  /** What each variable was before; null for one that was not set. */
  before: z.record(variable, z.string().nullable()),
  /** What was put behind the words of others. */
  added: z.record(variable, z.string()),
})

/** What a job's variables were before, as far as it may be written down. */
export type Mark = Pick<z.output<typeof markSchema>, 'before' | 'added'>

/** A folder for the settings of one job, which nobody else may read. */
export class JobFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Makes one: at `path`, or among the temporary files. Throws UsageError for a folder that somebody uses for something else. */
  static make(path: string | undefined): JobFolder {
    const folder = path === undefined ? mkdtempSync(resolve(tmpdir(), 'warren-env-')) : resolve(path)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!isOwn(folder)) throw new UsageError(`--dir: others than you can write into ${folder}: name another folder`)
    if (readdirSync(folder).length > 0 && !JobFolder.at(folder))
      throw new UsageError(`--dir: ${folder} has files in it already: name a folder that is empty, or not there`)
    chmodSync(folder, 0o700)
    const made = new JobFolder(folder)
    made.write({ before: {}, added: {} })
    return made
  }

  /**
   * The one that was made at `path`; undefined where there is none, or others can write into it: a shell evaluates what it has for
   * variables.
   */
  static at(path: string): JobFolder | undefined {
    const folder = new JobFolder(resolve(path))
    return folder.#mark() !== undefined && isOwn(folder.path) ? folder : undefined
  }

  get mark(): Mark {
    return this.#mark() ?? { before: {}, added: {} }
  }

  write(mark: Mark): void {
    writeFileSync(join(this.path, MARK), `${JSON.stringify({ v: 1, ...mark }, null, 2)}\n`, { mode: 0o600 })
  }

  /** An empty folder in it. */
  folder(name: string): string {
    const path = join(this.path, name)
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  /** With all that is in it; what links in it lead to stays. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  #mark(): Mark | undefined {
    try {
      return markSchema.parse(JSON.parse(readFileSync(join(this.path, MARK), 'utf8')))
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new UsageError(`${this.path} cannot be looked into: ${reasonOf(error)}`)
    }
  }
}

/** Whether nobody but this user, and root, can write into a folder; a link to one is none. */
function isOwn(folder: string): boolean {
  const { uid, mode } = lstatSync(folder)
  return (process.geteuid === undefined || uid === process.geteuid()) && (mode & 0o022) === 0
}
