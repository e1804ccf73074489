import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'

/** npm's own note of where things came from names the registry, and no two nodes have the same address. */
const NOTE = '.package-lock.json'

export interface Tree {
  readonly files: number
  readonly bytes: number
  /** Of all names, contents and rights to execute, in hex: equal for equal trees only. */
  readonly sha256: string
}

/** What is below a folder, all of it. */
export function treeOf(folder: string): Tree {
  const all = createHash('sha256')
  let files = 0
  let bytes = 0
  const walk = (below: string) => {
    for (const entry of readdirSync(below, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(below, entry.name)
      const name = relative(folder, path)
      if (name === NOTE) continue
      if (entry.isDirectory()) {
        walk(path)
        continue
      }
      const content = entry.isSymbolicLink() ? Buffer.from(readlinkSync(path)) : readFileSync(path)
      const kind = entry.isSymbolicLink() ? 'link' : lstatSync(path).mode & 0o111 ? 'program' : 'file'
      all.update(JSON.stringify([name, kind, createHash('sha256').update(content).digest('hex')]))
      files++
      bytes += content.length
    }
  }
  walk(folder)
  return { files, bytes, sha256: all.digest('hex') }
}
