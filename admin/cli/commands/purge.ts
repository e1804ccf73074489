import { setTimeout } from 'node:timers/promises'
import { parseDigest } from '../../../node/digest.ts'
import type { PurgeScope } from '../../../node/purge/scope.ts'
import { type PurgeView, previewSchema, purgeSchema } from '../../api/cache-schema.ts'
import { ApiClient } from '../api-client.ts'
import { purgeText } from '../cache/lines.ts'
import { confirm } from '../confirm.ts'
import { EXIT, UsageError } from '../exit-codes.ts'
import { formatBytes, plural } from '../format.ts'
import { changeMesh, fateText, isForMesh, type MeshOptions } from '../mesh-change.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { printable, writeLines } from '../print.ts'

export interface PurgeOptions extends NodeOptions, MeshOptions {
  readonly all?: boolean
  readonly mirror?: string
  readonly digest?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Ms between two looks at how it stands. */
const BEAT = 250
/** Ms that a node gets to look through all that it keeps. */
const PREVIEW_PATIENCE = 120_000

/** Purges a node, or the whole mesh, once somebody has said that this is meant. Throws UsageError and UnreachableError. */
export async function purge(what: string | undefined, options: PurgeOptions): Promise<void> {
  const wanted = wantedBy(what, options)
  const isMesh = isForMesh(options)
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const mayAsk = process.stdin.isTTY === true && process.stderr.isTTY === true
  if (!options.dryRun && !options.yes && !mayAsk)
    throw new UsageError('a purge is asked about before it is done: give --yes where nobody can answer, or --dry-run to see it')
  if (options.dryRun || !options.yes) {
    const body = { ...wanted, dryRun: true }
    const { json } = await client.ask('POST', '/admin/v1/purges', { body, patience: PREVIEW_PATIENCE })
    const { records, bytes, sample } = previewSchema.parse(json)
    const about = `${plural(records, 'name')}, ${formatBytes(bytes)}`
    if (options.dryRun && options.json) return writeLines(process.stdout, [JSON.stringify(json, null, 2)])
    if (options.dryRun) return writeLines(process.stdout, [`A purge would be about ${about}.`, ...sample.map(shown)])
    const whom = isMesh ? `all nodes of the mesh forget such as the node at ${base} has` : `the node at ${base} forget`
    const terminal = { input: process.stdin, output: process.stderr }
    const answer = await confirm(`This lets ${whom}: ${about}. Go on? [y/N] `, terminal)
    if (answer !== 'yes') {
      process.exitCode = answer === 'no' ? EXIT.failure : EXIT.interrupted
      process.stderr.write('warren: nothing was purged\n')
      return
    }
  }
  if (isMesh) {
    const op = await changeMesh(client, { type: 'purge', body: { scopes: await scopesOf(wanted, client) } }, options)
    return writeLines(process.stdout, [options.json ? JSON.stringify(op, null, 2) : `The purge is ${fateText(op)}.`])
  }
  const { json } = await client.ask('POST', '/admin/v1/purges', { body: wanted })
  const run = await followed(client, purgeSchema.parse(json), options)
  writeLines(process.stdout, [options.json ? JSON.stringify(run, null, 2) : `The node at ${base} has ${purgeText(run)}.`])
}

/** As the API takes it. */
function wantedBy(what: string | undefined, { all, mirror, digest }: PurgeOptions): Record<string, unknown> {
  const named = [all, mirror, digest, what].filter((one) => one !== undefined).length
  if (named === 1 && all) return { all }
  if (named === 1 && digest !== undefined) return { digest }
  if (mirror !== undefined && named <= 2) return what === undefined ? { mirror } : { mirror, pattern: what }
  if (named === 1 && what !== undefined && parseDigest(what)) return { digest: what }
  if (named === 1 && what?.startsWith('pkg:')) return { package: what }
  const ways = '--all, --mirror NAME (and a pattern of its paths), --digest DIGEST, or a package URL such as pkg:npm/left-pad'
  if (named === 0) throw new UsageError(`say what is to be purged: ${ways}`)
  if (named > 1) throw new UsageError(`say one thing that is to be purged: ${ways}`)
  throw new UsageError(`${JSON.stringify(what)} is no package URL and no digest; a purge is about ${ways}`)
}

/** As ops name it: by upstreams, which only the node knows of its mirrors. */
async function scopesOf(wanted: Readonly<Record<string, unknown>>, client: ApiClient): Promise<PurgeScope[]> {
  const { all, digest, package: purl } = wanted
  if (all) return [{ kind: 'all' }]
  if (typeof digest === 'string') return [{ kind: 'digest', digest }]
  if (typeof purl === 'string') return [{ kind: 'package', purl }]
  const body = { ...wanted, dryRun: true }
  const { json } = await client.ask('POST', '/admin/v1/purges', { body, patience: PREVIEW_PATIENCE })
  return [...previewSchema.parse(json).scopes]
}

/** How it ended; while it runs, a line on the terminal says how it stands. */
async function followed(client: ApiClient, begun: PurgeView, { json }: PurgeOptions): Promise<PurgeView> {
  const isShown = process.stderr.isTTY === true && !json
  let run = begun
  while (run.state === 'running') {
    if (isShown) process.stderr.write(`\r\x1b[K${printable(purgeText(run))}`)
    await setTimeout(BEAT)
    run = purgeSchema.parse(await client.get(`/admin/v1/purges/${run.id}`))
  }
  if (isShown) process.stderr.write('\r\x1b[K')
  return run
}

/** A key in one line. */
function shown(key: string): string {
  const [ecosystem, upstream, path] = key.split('\n')
  return printable(`  ${ecosystem}  ${upstream}${path}`)
}
