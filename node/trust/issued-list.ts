import { join } from 'node:path'
import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'
import { readVersioned } from './versioned.ts'

export interface IssuedListInit<T> {
  /** What they are called: the file is `<name>.json` in the folder of the mesh. */
  readonly name: string
  readonly schema: z.ZodType<T>
  /** How many are remembered; those that were issued first go first. */
  readonly most: number
}

/** What was issued on a machine, by which it can be revoked. */
export class IssuedList<T> {
  readonly #path: string
  readonly #init: IssuedListInit<T>

  /** @param folder the folder of the mesh */
  constructor(folder: string, init: IssuedListInit<T>) {
    this.#path = join(folder, `${init.name}.json`)
    this.#init = init
  }

  /** Those issued first come first. Throws MESH_UNREADABLE, SECRET_EXPOSED or STORE_UNUSABLE. */
  all(): readonly T[] {
    const { name, schema, most } = this.#init
    const text = readSecretFile(this.#path)
    if (text === undefined) return []
    const fields: z.ZodType<Record<string, unknown>> = z.strictObject({ v: z.literal(1), [name]: z.array(schema).max(most) })
    const reading = readVersioned(text, fields)
    if (reading.problem === undefined) return reading.value[name] as readonly T[]
    throw new WarrenError(
      'MESH_UNREADABLE',
      `${this.#path} cannot be used: ${reading.problem}. Put the right file back, or remove it`,
    )
  }

  /** Throws as `all`. */
  add(one: T): void {
    const { name, most } = this.#init
    writeSecretFile(this.#path, `${JSON.stringify({ v: 1, [name]: [...this.all(), one].slice(-most) })}\n`)
  }
}
