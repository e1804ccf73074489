import { type GoWanted, packageUrl } from '../wanted.ts'
import { type Format, lockedOf } from './locked.ts'

const LINE = /^(\S+) (v[^\s/]+)(\/go\.mod)? (h1:[A-Za-z0-9+/]{43}=)$/

/** `go.sum` (go.dev/ref/mod, «go.sum files»). A module with a line for its go.mod only is nothing that is built. */
export const goSum: Format = {
  title: 'go.sum',
  name: /^go(?:\.work)?\.sum$/,
  looksLike: (text) => LINE.test(text.trimStart().split(/\r?\n/, 1)[0] ?? ''),
  parse: (text) => {
    const modules = new Map<string, GoWanted>()
    for (const [index, raw] of text.split('\n').entries()) {
      const line = raw.trim()
      if (line === '') continue
      const [, module, version, mod, hash] = LINE.exec(line) ?? []
      if (module === undefined || version === undefined || hash === undefined)
        throw new Error(`line ${index + 1} is none of a go.sum, which is module, version and h1: hash`)
      const key = `${module}@${version}`
      const text = packageUrl('golang', module, version)
      const known = modules.get(key) ?? { type: 'golang', module, version, text, zip: false }
      modules.set(key, mod === undefined ? { ...known, zip: true, zipHash: hash } : { ...known, modHash: hash })
    }
    return lockedOf([...modules.values()].map((wanted) => ({ wanted })))
  },
}
