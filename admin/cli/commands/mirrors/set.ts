import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { reasonOf } from '../../../../node/errors.ts'
import { layeredMirrorSchema } from '../../../api/mirrors-schema.ts'
import { ApiClient } from '../../api-client.ts'
import { UsageError } from '../../exit-codes.ts'
import { mirrorPath } from '../../mirror-path.ts'
import { type NodeOptions, nodeAt } from '../../node-address.ts'
import { writeLines } from '../../print.ts'
import { allMirrors, mirrorLines } from './list.ts'

interface EntryOptions extends NodeOptions {
  readonly json?: boolean
  readonly protocol?: string
  readonly path?: string
  readonly upstream?: readonly string[]
  readonly registry?: string
  readonly lifetime?: string
  readonly from?: string
}

type Entry = Readonly<Record<string, unknown>>

/** Adds a mirror at a running node, which must not have one of that name. Throws UsageError and UnreachableError. */
export async function add(name: string, options: EntryOptions): Promise<void> {
  const { base, token } = nodeAt(options)
  const there = (await allMirrors(new ApiClient(base, token()))).mirrors.find((one) => one.name === name)
  if (there?.mirror) throw new UsageError(`there is a mirror ${name} already; «warren mirrors set ${name}» changes it`)
  if (there)
    throw new UsageError(
      `the mirror ${name} was taken away; «warren mirrors restore ${name}» brings it back, «warren mirrors set ${name}» makes it another`,
    )
  await put(name, entryIn(options), { 'if-none-match': '*' }, options)
}

/** Changes what is named of a mirror, and nothing that somebody else has just changed. Throws UsageError and UnreachableError. */
export async function set(name: string, options: EntryOptions): Promise<void> {
  const { base, token } = nodeAt(options)
  const { json, etag } = await new ApiClient(base, token()).ask('GET', mirrorPath(name))
  const { entry } = layeredMirrorSchema.parse(json)
  const changes = entryIn(options)
  if (Object.keys(changes).length === 0) throw new UsageError('say what is to change, such as --upstream, or --from a file')
  await put(name, options.from === undefined ? { ...(entry || {}), ...changes } : changes, { 'if-match': etag ?? '*' }, options)
}

async function put(
  name: string,
  entry: Entry,
  headers: Readonly<Record<string, string>>,
  options: EntryOptions,
): Promise<void> {
  const { base, token } = nodeAt(options)
  const { json } = await new ApiClient(base, token()).ask('PUT', mirrorPath(name), { body: entry, headers })
  if (options.json) return writeLines(process.stdout, [JSON.stringify(json, null, 2)])
  writeLines(process.stdout, mirrorLines([layeredMirrorSchema.parse(json)], [], process.stdout))
}

function entryIn({ protocol, path, upstream, registry, lifetime, from }: EntryOptions): Entry {
  const given = { protocol, path, upstreams: upstream, registry, lifetime }
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...(from === undefined ? {} : read(from)), ...said }
}

function read(file: string): Entry {
  try {
    const entry: unknown = parse(readFileSync(file, 'utf8'))
    if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) return entry as Entry
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${reasonOf(error)}`)
  }
  throw new UsageError(`${file} must hold keys and values, such as protocol and upstreams`)
}
