import type { IncomingHttpHeaders } from 'node:http'

export type NpmKind = 'tarball' | 'packument' | 'manifest' | 'other'

/** Media type of the abbreviated packument. */
export const ABBREVIATED_TYPE = 'application/vnd.npm.install-v1+json'

const NAME = /^(@[^/]+\/)?[^/@-][^/]*$/
const NAME_AND_VERSION = /^((?:@[^/]+\/)?[^/@-][^/]*)\/([^/]+)$/
const TARBALL = /^((?:@[^/]+\/)?[^/]+)\/-\/([^/]+)\.tgz$/

/** What a canonical path of an npm registry stands for. @param base path of the registry, with slashes at both ends */
export function npmKind(path: string, base = '/'): NpmKind {
  const rest = path.startsWith(base) ? path.slice(base.length) : path.slice(1)
  if (rest.endsWith('.tgz')) return 'tarball'
  if (rest.startsWith('-/') || rest.includes('?')) return 'other'
  if (NAME.test(rest)) return 'packument'
  return NAME_AND_VERSION.test(rest) ? 'manifest' : 'other'
}

/** The variant of a document that the request headers ask for: abbreviated packuments are objects of their own. */
export function npmVariant(headers: IncomingHttpHeaders): string {
  return headers.accept?.includes(ABBREVIATED_TYPE) ? 'abbreviated' : ''
}

/** Package and version that a conventional tarball path names; undefined for odd ones. */
export function tarballOf(path: string, base = '/'): { name: string; version: string } | undefined {
  const match = TARBALL.exec(path.slice(base.length))
  const [, name, file] = match ?? []
  if (name === undefined || file === undefined) return undefined
  const prefix = `${name.slice(name.indexOf('/') + 1)}-`
  return file.startsWith(prefix) ? { name, version: file.slice(prefix.length) } : undefined
}

/** The conventional path of a tarball. */
export function tarballPath(name: string, version: string, base = '/'): string {
  return `${base}${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
}
