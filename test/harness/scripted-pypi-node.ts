import { onTestFinished } from 'vitest'
import type { Overrides } from '../../node/components.ts'
import type { Config, MirrorConfig } from '../../node/config/schema.ts'
import { exchange, type Reply } from './http.ts'
import { Random } from './random.ts'
import { ScriptedIndex } from './scripted-pypi.ts'
import { ShiftedClock } from './shifted-clock.ts'
import { type StartedNode, startNode } from './start-node.ts'
import type { TempFolders } from './temp.ts'

export const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
/** What pip sends. */
export const PIP_ACCEPT = `${JSON_TYPE}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01`

export interface PypiNode extends StartedNode {
  readonly index: ScriptedIndex
  /** The mirror's simple API, as clients are configured with it. */
  readonly simple: string
}

/** A mirror of Python indexes by the given base URLs. */
export function pypiMirror(upstreams: readonly string[], more: Partial<MirrorConfig> = {}): MirrorConfig {
  return { name: 'pypi', protocol: 'pypi', path: '/pypi/', upstreams, local: false, ...more }
}

export async function scriptedIndex(): Promise<ScriptedIndex> {
  const index = await new ScriptedIndex().start()
  onTestFinished(() => index.stop())
  return index
}

export interface PypiNodeInit {
  readonly index?: ScriptedIndex
  readonly overrides?: Overrides
  readonly mirror?: Partial<MirrorConfig>
  readonly config?: Partial<Config>
}

/** A node in front of a scripted index. */
export async function nodeBeforeIndex(temp: TempFolders, init: PypiNodeInit = {}): Promise<PypiNode> {
  const index = init.index ?? (await scriptedIndex())
  const node = await startNode({
    data: temp.create('data'),
    upstream: index.origin,
    mirrors: [pypiMirror([index.base], init.mirror)],
    ...(init.overrides ? { overrides: init.overrides } : {}),
    ...(init.config ? { config: init.config } : {}),
  })
  return { ...node, index, simple: `${node.url}/pypi/simple/` }
}

/** A node and an index with one wheel of 700 kB, `thing` 1.0. */
export async function nodeWithWheel(temp: TempFolders) {
  const clock = new ShiftedClock()
  const node = await nodeBeforeIndex(temp, { overrides: { clock } })
  const wheel = node.index.publish({ name: 'thing', version: '1.0', filler: new Random(7).bytes(700_000) })
  return { ...node, clock, wheel, url: await urlOf(node, 'thing') }
}

/** A file as a page of the JSON API lists it. */
interface ListedFile {
  readonly filename: string
  readonly url: string
  readonly hashes: Readonly<Record<string, string>>
  readonly yanked?: boolean | string
  readonly 'core-metadata'?: unknown
  readonly 'dist-info-metadata'?: unknown
}

export interface ListedPage {
  readonly reply: Reply
  readonly files: readonly ListedFile[]
}

/** A project's page as pip asks for it. */
export async function pageOf(node: Pick<PypiNode, 'simple'>, project: string, accept = PIP_ACCEPT): Promise<ListedPage> {
  const reply = await exchange(`${node.simple}${project}/`, { headers: { accept } })
  const isJson = reply.status === 200 && reply.headers['content-type'] === JSON_TYPE
  return { reply, files: isJson ? JSON.parse(reply.body.toString()).files : [] }
}

/** Where a node has the only file of a project. */
export async function urlOf(node: Pick<PypiNode, 'simple'>, project: string): Promise<string> {
  const { reply, files } = await pageOf(node, project)
  const [file] = files
  if (!file) throw new Error(`the page of ${project} was answered ${reply.status}: ${reply.body.toString().slice(0, 500)}`)
  return new URL(file.url, `${node.simple}${project}/`).href
}
