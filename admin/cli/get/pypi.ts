import { explain, rcompare, valid } from '@renovatebot/pep440'
import { z } from 'zod'
import type { Digest } from '../../../node/digest.ts'
import { byDigests, digestOf, type MakeCheck } from './checks.ts'
import type { GotFile } from './client.ts'
import { below, type Cooked, type Kitchen, noVersion } from './recipe.ts'
import { shaped } from './shaped.ts'
import type { PypiWanted } from './wanted.ts'
import { type PythonFile, parsePythonFile, wheelRunsOn } from './wheel.ts'

const JSON_PAGE = 'application/vnd.pypi.simple.v1+json'
/** What pip takes; a page of a node is JSON for whoever asks so (PEP 691, «Version + Format Selection»). */
const ACCEPT = `${JSON_PAGE}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01`

const hashes = z.record(z.string(), z.string())
const page = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: hashes.catch({}),
      size: z.number().int().nonnegative().optional().catch(undefined),
      yanked: z.union([z.boolean(), z.string()]).optional(),
      // PEP 714: the new name counts where there are both.
      'core-metadata': z.union([z.boolean(), hashes]).optional(),
      'dist-info-metadata': z.union([z.boolean(), hashes]).optional(),
    }),
  ),
})

type Listed = z.output<typeof page>['files'][number]
type File = Listed & PythonFile

/**
 * Fetches the files of a version: the wheels that run on the wanted machines, with any Python, and the source archive only where
 * there is no such wheel, since nobody builds what is there built. With `all` platforms whatever there is. Throws as the client does,
 * and Error.
 */
export async function getPypi(wanted: PypiWanted, kitchen: Kitchen): Promise<Cooked> {
  const { name } = wanted
  const { client } = kitchen
  const ask = { ...below(kitchen, `simple/${name}/`), name: `${name} (page)`, accept: ACCEPT }
  const { got, value } = await client.document(ask, (bytes) => shaped(page, jsonIn(bytes)))
  const all = value.files.flatMap((file) => {
    const known = parsePythonFile(file.filename, name)
    return known ? [{ ...file, ...known }] : []
  })
  const version = wanted.version ?? (wanted.file === undefined ? newest(all, name) : undefined)
  const files: GotFile[] = [got]
  const chosen = choose(all, wanted, version, kitchen.platforms)
  for (const file of chosen) {
    const url = new URL(file.url, ask.url).href
    if (new URL(url).origin !== new URL(ask.url).origin)
      throw new Error(`${file.filename} is not at the node: its page leads to ${new URL(url).host}`)
    const metadata = file['core-metadata'] ?? file['dist-info-metadata']
    if (metadata !== undefined && metadata !== false) {
      const check = byDigests(digestsOf(metadata === true ? {} : metadata))
      const at = new URL(url)
      at.pathname += '.metadata'
      at.hash = ''
      const { got: described } = await client.document(
        { url: at.href, name: `${file.filename}.metadata`, accept: '*/*', check },
        () => undefined,
      )
      files.push(described)
    }
    files.push(await client.file({ url, name: file.filename, size: file.size, check: checkOf(file, wanted.digests) }))
  }
  return { version: version ?? chosen[0]?.version ?? '', files }
}

function choose(
  all: readonly File[],
  { name, file: only, digests }: PypiWanted,
  version: string | undefined,
  platforms: Kitchen['platforms'],
): File[] {
  if (only !== undefined) {
    const one = all.find(({ filename }) => filename === only)
    if (one && (version === undefined || isVersion(one, version))) return [one]
    throw new Error(`${name} has no file ${only}${version === undefined ? '' : ` of version ${version}`}`)
  }
  const ofVersion = all.filter((file) => version !== undefined && isVersion(file, version))
  if (ofVersion.length === 0) throw noVersion(name, version, latestText(all))
  // What the lockfile does not promise a client would refuse.
  const fit = digests?.length ? ofVersion.filter((file) => couldBe(file, digests)) : ofVersion
  if (fit.length === 0)
    throw new Error(`${name} ${version} has no file with a digest that the lockfile has: its ${ofVersion.length} have others`)
  if (platforms === 'all') return fit
  const wheels = fit.filter(({ platforms: tags }) => tags && platforms.some((platform) => wheelRunsOn(tags, platform)))
  if (wheels.length > 0) return wheels
  const sources = fit.filter((file) => file.platforms === undefined)
  if (sources.length > 0) return sources
  throw new Error(`${name} ${version} has neither a wheel for the platform nor a source archive; choose with --platform`)
}

/** A page that tells no digest of a file does not say that it has another. */
function couldBe({ hashes }: Listed, digests: readonly Digest[]): boolean {
  const known = digestsOf(hashes).filter(({ algorithm }) => digests.some((one) => one.algorithm === algorithm))
  return known.length === 0 || commonOf(known, digests).length > 0
}

/** The lockfile's word, of which the page says what is this file's. */
function checkOf({ hashes }: Listed, digests: readonly Digest[] = []): MakeCheck | undefined {
  const promised = digestsOf(hashes)
  if (digests.length === 0) return byDigests(promised)
  const common = commonOf(promised, digests)
  return byDigests(common.length > 0 ? common : digests)
}

function commonOf(promised: readonly Digest[], digests: readonly Digest[]): readonly Digest[] {
  return promised.filter((one) => digests.some(({ algorithm, hex }) => algorithm === one.algorithm && hex === one.hex))
}

function digestsOf(record: Readonly<Record<string, string>>): Digest[] {
  return Object.entries(record).flatMap(([algorithm, hex]) => digestOf(algorithm, hex))
}

/** As pip chooses: no pre-release while there is something else, and nothing that was yanked (PEP 592). */
function newest(all: readonly File[], name: string): string {
  const kept = all.filter(({ yanked = false }) => yanked === false)
  const versions = [...new Set(kept.map(({ version }) => version).filter((version) => valid(version)))].sort(rcompare)
  const final = versions.find((version) => !isPrerelease(version)) ?? versions[0]
  if (final === undefined) throw new Error(`${name} has no version that could be installed`)
  return final
}

function isPrerelease(version: string): boolean {
  return explain(version)?.is_prerelease ?? false
}

/** `2.31` is also called `2.31.0` (PEP 440, «Version matching»). */
function isVersion(file: PythonFile, wanted: string): boolean {
  if (file.version === wanted) return true
  return Boolean(valid(file.version) && valid(wanted)) && rcompare(file.version, wanted) === 0
}

function latestText(all: readonly File[]): string {
  const versions = [...new Set(all.map(({ version }) => version).filter((version) => valid(version)))].sort(rcompare)
  return versions[0] === undefined ? ': its page lists no files' : `; the latest is ${versions[0]}`
}

function jsonIn(bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  if (text.trimStart().startsWith('<')) throw new Error(`it is HTML and no ${JSON_PAGE}`)
  return JSON.parse(text)
}
