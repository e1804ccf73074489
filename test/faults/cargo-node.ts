import { expect, onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../node/clock.ts'
import type { Config, MirrorConfig } from '../../node/config/schema.ts'
import { type Ask, exchange, type Reply } from '../harness/http.ts'
import { type PublishedCrate, ScriptedCargo } from '../harness/scripted-cargo.ts'
import { type StartedNode, startNode } from '../harness/start-node.ts'

/** A scripted registry that stops when the test is over. */
export async function startRegistry(clock: Clock = systemClock): Promise<ScriptedCargo> {
  const registry = await new ScriptedCargo(clock).start()
  onTestFinished(() => registry.stop())
  return registry
}

export interface CargoNode extends StartedNode {
  /** Base URL of the mirror. */
  readonly cargo: string
  /** One request below it. */
  ask(path: string, init?: Ask): Promise<Reply>
}

export interface CargoNodeInit {
  readonly data: string
  readonly registry: Pick<ScriptedCargo, 'index' | 'origin'>
  readonly clock?: Clock
  readonly config?: Partial<Config>
}

export function mirrorOf(index: string): MirrorConfig {
  return { name: 'cargo', protocol: 'cargo', path: '/cargo/', upstreams: [index], local: false }
}

/** A node with one mirror for a scripted registry. */
export async function startCargoNode({ data, registry, clock = systemClock, config = {} }: CargoNodeInit): Promise<CargoNode> {
  const mirrors = [mirrorOf(registry.index)]
  const node = await startNode({ data, upstream: registry.origin, mirrors, config, overrides: { clock } })
  return asked(node)
}

export function asked(node: StartedNode): CargoNode {
  const cargo = `${node.url}/cargo/`
  return { ...node, cargo, ask: async (path, init) => open(await exchange(cargo + path, init)) }
}

/** The path of an archive below a mirror, as clients make it of `config.json`. */
export function pathOf({ name, version, sha256 }: PublishedCrate): string {
  return `crates/${name}/${version}/${sha256}.crate`
}

export function configOf({ body }: Reply): Record<string, unknown> {
  return JSON.parse(body.toString()) as Record<string, unknown>
}

/** An answer that asks for no login and leads nowhere else: for clients a mirror is open and all there is. */
function open(reply: Reply): Reply {
  expect([reply.headers['www-authenticate'], reply.headers.location]).toEqual([undefined, undefined])
  return reply
}
