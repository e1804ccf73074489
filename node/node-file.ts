import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const schema = z.object({
  pid: z.number(),
  /** Base URLs of the mirror listeners. */
  listen: z.array(z.string()).readonly(),
  /** Base URL of the admin listener, or `unix:` and the path of its socket. */
  admin: z.string(),
})

/** What a running node writes into its data folder, so that the command line finds it. */
export type NodeFile = Readonly<z.output<typeof schema>>

const NAME = 'node.json'

export function writeNodeFile(data: string, file: NodeFile): void {
  writeFileSync(join(data, NAME), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o644 })
}

/**
 * Undefined when there is none, or none that can be read. It may have outlived its node, and another user's program may listen there by
 * now: whoever is about to show the token has to see a proof first.
 */
export function readNodeFile(data: string): NodeFile | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(join(data, NAME), 'utf8'))).data
  } catch {
    return undefined
  }
}

export function removeNodeFile(data: string): void {
  rmSync(join(data, NAME), { force: true })
}
