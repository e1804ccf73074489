import { z } from 'zod'
import { parseIntegrity } from '../checks.ts'
import { shaped } from '../shaped.ts'
import { type NpmWanted, packageUrl } from '../wanted.ts'
import { type Entry, type Format, leftOut, lockedOf } from './locked.ts'

const words = z.array(z.string()).optional()
const entry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  // Old lockfiles say so of what comes within another package.
  resolved: z.union([z.string(), z.boolean()]).optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  bundled: z.boolean().optional(),
  os: words,
  cpu: words,
})
type Listed = z.output<typeof entry>
type Nested = Listed & { readonly dependencies?: Readonly<Record<string, Nested>> | undefined }

const nested: z.ZodType<Nested> = entry.extend({
  get dependencies(): z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodType<Nested>>> {
    return z.record(z.string(), nested).optional()
  },
})
const lockfile = z.object({
  lockfileVersion: z.number(),
  packages: z.record(z.string(), entry).optional(),
  dependencies: z.record(z.string(), nested).optional(),
})

/** `package-lock.json` and `npm-shrinkwrap.json` of the versions 1 to 3 (docs of npm, «package-lock.json»). */
export const npmLock: Format = {
  title: 'package-lock.json or npm-shrinkwrap.json',
  name: /^(?:package-lock|npm-shrinkwrap)\.json$/,
  looksLike: (text) => /^\s*\{/.test(text) && text.includes('"lockfileVersion"'),
  parse: (text) => {
    const { packages, dependencies } = shaped(lockfile, JSON.parse(text))
    return lockedOf(packages ? Object.entries(packages).map(([path, one]) => entryAt(path, one)) : nestedIn(dependencies ?? {}))
  },
}

/** A package under its path from the root: `node_modules/a/node_modules/@scope/b`. What is elsewhere is the project's own. */
function entryAt(path: string, one: Listed): Entry {
  const at = path.lastIndexOf('node_modules/')
  if (at < 0 || one.link || one.inBundle) return undefined
  return entryOf(one.name ?? path.slice(at + 'node_modules/'.length), one)
}

function nestedIn(dependencies: Readonly<Record<string, Nested>>): Entry[] {
  return Object.entries(dependencies).flatMap(([name, one]) => {
    // An alias stands in place of the version.
    const [, real, version] = /^npm:(@?[^@]+)@(.+)$/.exec(one.version ?? '') ?? []
    const own = one.bundled ? [] : [entryOf(real ?? name, version === undefined ? one : { ...one, version })]
    return [...own, ...nestedIn(one.dependencies ?? {})]
  })
}

function entryOf(name: string, { version, resolved, integrity, os, cpu }: Listed): Entry {
  const place = typeof resolved === 'string' ? resolved : undefined
  const other = [place, version].find((text) => text !== undefined && /^(?:git|file:|github:|gitlab:|bitbucket:)/.test(text))
  if (other !== undefined) return leftOut(name, other.startsWith('file:') ? 'is a file of the project' : 'is a git repository')
  if (version === undefined) return leftOut(name, 'has no version')
  return { wanted: npmWanted({ name, version, tarball: place, integrity, os, cpu }) }
}

/** A package of npm as any of its clients locks it. */
export function npmWanted(init: {
  name: string
  version: string
  tarball?: string | undefined
  integrity?: string | undefined
  os?: readonly string[] | undefined
  cpu?: readonly string[] | undefined
}): NpmWanted {
  const { name, version, tarball, integrity, os, cpu } = init
  const digests = parseIntegrity(integrity ?? '')
  return {
    type: 'npm',
    name,
    version,
    locked: true,
    text: packageUrl('npm', name, version),
    ...(tarball !== undefined && { tarball }),
    ...(tarball !== undefined && /^https?:/.test(tarball) && { repository: tarball }),
    ...(digests.length > 0 && { digests }),
    ...(os && { os }),
    ...(cpu && { cpu }),
  }
}
