import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** npm's own note of where things came from: it names the registry, so it differs where nothing else does. */
const NOTES = new Set(['.package-lock.json', '.cache'])
const MAX_DIFFERENCES = 20
const EXECUTABLE = 0o111

/** Every file and link below a folder, as what it is: `link <target>`, or its digest and whether it may be executed. */
export function treeOf(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (below: string) => {
    for (const name of readdirSync(join(folder, below))) {
      if (below === '' && NOTES.has(name)) continue
      const path = below ? `${below}/${name}` : name
      const stat = lstatSync(join(folder, path))
      if (stat.isDirectory()) walk(path)
      else if (stat.isSymbolicLink()) found.set(path, `link ${readlinkSync(join(folder, path))}`)
      else found.set(path, `${digest(join(folder, path))}${stat.mode & EXECUTABLE ? ' executable' : ''}`)
    }
  }
  walk('')
  return found
}

/** Where two folders differ, one line each and at most twenty; nothing when they are the same byte by byte. */
export function differences(left: string, right: string): string[] {
  const [before, after] = [treeOf(left), treeOf(right)]
  const lines: string[] = []
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [one, other] = [before.get(path), after.get(path)]
    if (one === other) continue
    if (one === undefined) lines.push(`${path}: only in the second`)
    else if (other === undefined) lines.push(`${path}: only in the first`)
    else lines.push(`${path}: ${one} against ${other}`)
    if (lines.length === MAX_DIFFERENCES) break
  }
  return lines
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
