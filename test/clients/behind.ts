import { createHash } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Overrides } from '../../node/components.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { type StartedNode, startNode } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import type { TempFolders } from '../harness/temp.ts'

export const ABBREVIATED = 'application/vnd.npm.install-v1+json'
/** What pnpm, bun and yarn classic send. */
export const INSTALL_ACCEPT = `${ABBREVIATED}; q=1.0, application/json; q=0.8, */*`

export interface ReplayedNode extends StartedNode {
  readonly registry: SyntheticRegistry
  readonly replay: ReplayUpstream
}

/** A node in front of a made-up registry. */
export async function nodeBeforeReplay(
  temp: TempFolders,
  registry = new SyntheticRegistry({ packages: 10 }),
  overrides: Overrides = {},
): Promise<ReplayedNode> {
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  return { registry, replay, ...(await startNode({ data: temp.create('data'), upstream: replay.url, overrides })) }
}

export interface ScriptedNode extends StartedNode {
  readonly upstream: ScriptedUpstream
}

/** A node in front of an upstream that does what the test writes down. */
export async function nodeBeforeScript(temp: TempFolders, overrides: Overrides = {}): Promise<ScriptedNode> {
  const upstream = await scripted()
  return { upstream, ...(await startNode({ data: temp.create('data'), upstream: upstream.origin, overrides })) }
}

export async function scripted(): Promise<ScriptedUpstream> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  return upstream
}

export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

export function shasumOf(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex')
}

/** A document with the given `dist` for each version, as JSON text: a version may be called `__proto__`. */
export function packumentText(name: string, dists: readonly (readonly [version: string, dist: object])[]): string {
  const versions = dists.map(([version, dist]) => `${JSON.stringify(version)}:${JSON.stringify({ name, version, dist })}`)
  const latest = JSON.stringify(dists.at(-1)?.[0] ?? '')
  return `{"name":${JSON.stringify(name)},"dist-tags":{"latest":${latest}},"versions":{${versions.join(',')}}}`
}

/** What upstream was asked for, in order. */
export function pathsAsked({ tally }: ReplayUpstream | ScriptedUpstream): string[] {
  return tally.log.map(({ method, path }) => (method === 'GET' ? path : `${method} ${path}`))
}

export function parsed(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.body.toString()) as Record<string, unknown>
}

/** An error as npm shows it. */
export function errorOf(reply: Reply): unknown {
  return parsed(reply).error
}

/** Asks as if the node were called `host`. */
export function askAs(host: string, url: string, headers: Record<string, string> = {}): Promise<Reply> {
  return exchange(url, { headers: { host: `${host}:${new URL(url).port}`, ...headers } })
}
