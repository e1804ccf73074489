import { parse } from 'yaml'
import { type Entry, type Format, leftOut, lockedOf } from './locked.ts'
import { npmWanted } from './npm.ts'

/** `yarn.lock`: of yarn classic in its own form, of later ones in YAML. Theirs has checksums of other archives than the registry's. */
export const yarnLock: Format = {
  title: 'yarn.lock',
  name: /^yarn\.lock$/,
  looksLike: (text) => /^# yarn lockfile v1$|^__metadata:$/m.test(text),
  parse: (text) => lockedOf(/^__metadata:/m.test(text) ? berry(text) : classic(text)),
}

function classic(text: string): Entry[] {
  // A line without indentation begins an entry; of its fields these stand one level below it.
  const blocks = text.split(/^(?=[^\s#])/m).filter((block) => /^[^\s#].*:\r?$/m.test(block))
  return blocks.map((block) => {
    const [head = ''] = block.split('\n', 1)
    const field = (name: string) => new RegExp(`^ {2}${name} "?([^"\\s]+)"?\\r?$`, 'm').exec(block)?.[1]
    const [pattern = ''] = head.replace(/:\r?$/, '').split(', ')
    const { name, range } = splitPattern(pattern.replace(/^"|"$/g, ''))
    const [version, resolved, integrity] = ['version', 'resolved', 'integrity'].map(field)
    const real = range.startsWith('npm:') ? splitPattern(range.slice(4)).name : name
    if (version === undefined) throw new Error(`${head} has no version`)
    if (resolved === undefined) return leftOut(real, 'is from no registry')
    if (/^(?:git|ssh|file)/.test(resolved)) return leftOut(real, 'is a git repository or a file of the project')
    const [url = '', sha1] = resolved.split('#')
    const promised = integrity ?? (/^[0-9a-f]{40}$/.test(sha1 ?? '') ? sriOf(sha1 ?? '') : undefined)
    return { wanted: npmWanted({ name: real, version, tarball: url, integrity: promised }) }
  })
}

function berry(text: string): Entry[] {
  const entries = Object.entries(parse(text, { maxAliasCount: 0 }) as Record<string, { resolution?: unknown }>)
  return entries.map(([key, one]) => {
    if (key === '__metadata') return undefined
    const { resolution } = one ?? {}
    if (typeof resolution !== 'string') throw new Error(`${key} has no resolution`)
    const { name, range } = splitPattern(resolution)
    // What is patched stands there unpatched, too.
    if (/^(?:workspace|patch|link|portal):/.test(range)) return undefined
    if (!range.startsWith('npm:')) return leftOut(name, 'is from no registry')
    return { wanted: npmWanted({ name, version: range.slice(4).replace(/::.*$/, '') }) }
  })
}

/** `@scope/name@^1.0` in its two parts. */
function splitPattern(pattern: string): { name: string; range: string } {
  const at = pattern.indexOf('@', 1)
  return at < 0 ? { name: pattern, range: '' } : { name: pattern.slice(0, at), range: pattern.slice(at + 1) }
}

function sriOf(sha1: string): string {
  return `sha1-${Buffer.from(sha1, 'hex').toString('base64')}`
}
