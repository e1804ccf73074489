import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { shaped } from '../shaped.ts'
import { type Entry, type Format, leftOut, lockedOf } from './locked.ts'
import { npmWanted } from './npm.ts'

const words = z.array(z.string()).optional()
const entry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  resolution: z.object({ integrity: z.string().optional(), tarball: z.string().optional(), type: z.string().optional() }),
  os: words,
  cpu: words,
})
const lockfile = z.object({
  lockfileVersion: z.union([z.string(), z.number()]),
  packages: z.record(z.string(), entry).optional(),
})

/** `pnpm-lock.yaml` of the versions 5 to 9 (pnpm/spec, «lockfile»). */
export const pnpmLock: Format = {
  title: 'pnpm-lock.yaml',
  name: /^pnpm-lock\.yaml$/,
  looksLike: (text) => /^lockfileVersion:/m.test(text),
  parse: (text) => {
    // Newer ones have what pnpm itself needs in a document of its own.
    const entries = [...parseAllDocuments(text)].flatMap((document) => {
      const [error] = document.errors
      if (error) throw error
      const { lockfileVersion, packages = {} } = shaped(lockfile, document.toJS({ maxAliasCount: 0 }))
      const isOld = Number.parseFloat(String(lockfileVersion)) < 6
      return Object.entries(packages).map(([key, one]) => entryOf(key, one, isOld))
    })
    return lockedOf(entries)
  },
}

function entryOf(key: string, { resolution, os, cpu, ...own }: z.output<typeof entry>, isOld: boolean): Entry {
  const { tarball, integrity, type } = resolution
  if (type === 'git' || type === 'directory')
    return leftOut(key, type === 'git' ? 'is a git repository' : 'is a folder of the project')
  // What a package is installed beside stands behind its version.
  const bare = key.replace(/^\//, '').replace(/\(.*$/s, '')
  const at = isOld ? bare.lastIndexOf('/') : bare.indexOf('@', 1)
  const name = own.name ?? bare.slice(0, Math.max(at, 0))
  const version = own.version ?? (isOld ? bare.slice(at + 1).replace(/_.*$/, '') : bare.slice(at + 1))
  if (at < 0 || name === '' || /[:/]/.test(version)) return leftOut(key, 'is from no registry')
  if (tarball?.startsWith('file:')) return leftOut(key, 'is a file of the project')
  return { wanted: npmWanted({ name, version, tarball: tarball ?? usualPath(name, version), integrity, os, cpu }) }
}

/** pnpm asks for the tarball without asking for the document first. */
function usualPath(name: string, version: string): string {
  return `${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
}
