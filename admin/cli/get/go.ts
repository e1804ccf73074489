import { prerelease, rcompare, valid } from 'semver'
import { RefusedError } from '../node-http.ts'
import { byGoMod, type MakeCheck } from './checks.ts'
import type { GotFile } from './client.ts'
import { below, type Cooked, type Kitchen, segment } from './recipe.ts'
import type { GoWanted } from './wanted.ts'
import { byModuleZip } from './zip-check.ts'

/** A full version (x/mod/semver, «IsValid» with all three numbers); anything else is a question to the proxy. */
const CANONICAL = /^v\d+\.\d+\.\d+(?:[-+].*)?$/

/**
 * Fetches a version of a module as `go mod download` does (GOPROXY protocol, go.dev/ref/mod): what it is, its go.mod and its zip.
 * Both are checked against go.sum here, since a node checks nothing that its checksum database does not know. Throws as the client
 * does, and Error.
 */
export async function getGo(wanted: GoWanted, kitchen: Kitchen): Promise<Cooked> {
  const { module, zip, modHash, zipHash } = wanted
  const { client } = kitchen
  const files: GotFile[] = []
  const at = (path: string) => below(kitchen, `${escaped(module)}/${path}`)
  const infoOf = async (path: string, name: string) => {
    const { got, value } = await client.document({ ...at(path), name }, parseInfo)
    files.push(got)
    return value
  }
  // Of a module that nothing is built from, only the go.mod is asked for.
  let version = wanted.version
  version ??= await newestListed(wanted, kitchen, files)
  if (version === undefined) version = await infoOf('@latest', `${module} (latest)`)
  else if (zip || !CANONICAL.test(version)) version = await infoOf(`@v/${escaped(version)}.info`, `${module}@${version}.info`)
  const stem = `${module}@${version}`
  const path = `@v/${escaped(version)}`
  const file = (ending: string, check: MakeCheck | undefined) =>
    client.file({ ...at(`${path}.${ending}`), name: `${stem}.${ending}`, check })
  files.push(await file('mod', modHash === undefined ? undefined : byGoMod(modHash)))
  if (zip) files.push(await file('zip', zipHash === undefined ? undefined : byModuleZip(zipHash)))
  return { version, files }
}

/** As the go command chooses the latest: the highest release that is listed, else the highest of all; undefined where nothing is. */
async function newestListed({ module }: GoWanted, kitchen: Kitchen, files: GotFile[]): Promise<string | undefined> {
  const ask = { ...below(kitchen, `${escaped(module)}/@v/list`), name: `${module} (versions)` }
  try {
    const { got, value } = await kitchen.client.document(ask, (bytes) => bytes.toString('utf8').split(/\s+/))
    files.push(got)
    const versions = value.filter((version) => CANONICAL.test(version) && valid(version)).sort(rcompare)
    return versions.find((version) => prerelease(version) === null) ?? versions[0]
  } catch (error) {
    // Some proxies list nothing and still know the latest.
    if (error instanceof RefusedError && (error.status === 404 || error.status === 410)) return undefined
    throw error
  }
}

/** Upper-case letters become `!` and the small letter (x/mod/module, «EscapePath»). */
function escaped(text: string): string {
  return text
    .replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
    .split('/')
    .map(segment)
    .join('/')
}

function parseInfo(bytes: Buffer): string {
  const { Version: version } = JSON.parse(bytes.toString('utf8'))
  if (typeof version === 'string' && CANONICAL.test(version)) return version
  throw new Error('it names no version')
}
