import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../../../node/errors.ts'
import { plural } from '../format.ts'
import { aligned, type Output } from '../print.ts'
import { DemoNode } from './demo-node.ts'
import { DocumentsOnly } from './documents-only.ts'
import type { Facts, NodeFacts } from './facts.ts'
import { freePort } from './loopback.ts'
import type { Npm } from './npm.ts'
import type { Processes } from './processes.ts'
import { type Passed, Relay } from './relay.ts'
import { tarballLines } from './show.ts'
import type { Story } from './story.ts'
import { treeOf } from './tree.ts'
import type { Upstream } from './upstream.ts'

export interface PlayComponents {
  readonly story: Story
  readonly output: Output
  readonly npm: Npm
  readonly upstream: Upstream
  readonly processes: Processes
  /** Told of a node that ends too early. */
  onDeath(error: Error): void
  /** Closed when the demo ends, however it does. */
  readonly closing: AsyncDisposableStack
}

/** Three nodes of one mesh and what they do, step by step. */
export class Play {
  readonly #components: PlayComponents
  readonly #folder: string
  readonly #spec: string
  readonly #facts: NodeFacts[] = []
  /** Names of nodes by peer id. */
  readonly #names = new Map<string, string>()

  /** @param init what npm installs, and an empty folder for everything */
  constructor(components: PlayComponents, init: { readonly spec: string; readonly folder: string }) {
    this.#components = components
    this.#spec = init.spec
    this.#folder = init.folder
  }

  /** Rejects with a sentence for people. */
  async run(): Promise<Facts> {
    const { story, upstream, closing } = this.#components
    const documents = new DocumentsOnly(upstream)
    closing.defer(() => documents.close())
    await documents.start()
    const first = this.#node('node 1', upstream.base, await freePort())
    const others = [this.#node('node 2', documents.url, 0), this.#node('node 3', documents.url, 0)] as const

    await story.step('Node 1 creates a mesh', async () => {
      await first.command('mesh', 'create')
      await first.start()
      const { id } = await this.#introduce(first)
      story.say([`mesh ${id}, with ${first.name} as its first seed`])
    })
    await story.step('Nodes 2 and 3 join by a ticket', async () => {
      const ticket = await first.command('mesh', 'ticket', '--expires', '1d')
      await Promise.all(others.map((node) => node.start(ticket)))
      for (const node of others) {
        await node.connected(2)
        await this.#introduce(node)
      }
      story.say(['each is connected with both others; their upstream gives them documents, and no tarball'])
    })
    const one = await story.step(`npm install ${this.#spec} through node 1`, () => this.#install(first))
    const two = await story.step(`npm install ${this.#spec} through node 2`, () => this.#install(others[0]))
    const three = await story.step(`Node 1 stops; npm install ${this.#spec} through node 3`, async () => {
      await first.stop()
      return this.#install(others[1])
    })
    const { id } = (await others[1].status()).mesh
    return {
      package: this.#spec,
      upstream: upstream.base,
      mesh: id ?? '',
      nodes: [one, two, three],
      refused: documents.refused,
      steps: story.times,
    }
  }

  #node(name: string, upstream: string, meshPort: number): DemoNode {
    const { processes, onDeath } = this.#components
    const folder = join(this.#folder, name.replace(' ', '-'))
    const ca = this.#components.upstream.ca
    return new DemoNode({ processes, onDeath }, { name, folder, upstream, ca, meshPort })
  }

  async #introduce(node: DemoNode): Promise<{ id: string | null; peer: string }> {
    const { mesh } = await node.status()
    this.#names.set(mesh.peer, node.name)
    this.#components.story.say(aligned([[node.name, node.registry, `peer …${mesh.peer.slice(-8)}`, mesh.role ?? '']]))
    return mesh
  }

  async #install(node: DemoNode): Promise<NodeFacts> {
    const { story, npm, closing, output } = this.#components
    const relay = new Relay(node.registry)
    closing.defer(() => relay.close())
    await relay.start()
    const folder = join(this.#folder, `${node.name.replace(' ', '-')}-client`)
    mkdirSync(folder)
    const installed = await npm.install(this.#spec, { registry: relay.url, folder }).catch((error) => {
      throw new Error(`npm could not install ${this.#spec} through ${node.name}: ${reasonOf(error)}`)
    })
    const [{ mesh, requests, bytes }, peers] = [await node.status(), await node.peers()]
    const from = peers.map(({ id, bytesIn }) => ({ node: this.#names.get(id) ?? id, bytes: bytesIn }))
    const facts: NodeFacts = {
      name: node.name,
      role: mesh.role ?? '',
      peer: mesh.peer,
      tarballs: relay.tarballs.map(tarballOf),
      installed: treeOf(installed),
      requests,
      bytes,
      from,
    }
    const givers = from.filter((one) => one.bytes > 0).map((one) => one.node)
    const places = new Map(['seed', 'peer'].map((source) => [source, givers.join(' and ')]))
    story.say(tarballLines(facts, places, output))
    const [first] = this.#facts
    if (first)
      story.say([
        facts.installed.sha256 === first.installed.sha256
          ? `the same ${plural(first.installed.files, 'file')} as through ${first.name}, byte for byte`
          : `not the same files as through ${first.name}`,
      ])
    this.#facts.push(facts)
    return facts
  }
}

/** With the scope of its package, which its file name lacks. */
function tarballOf({ path, bytes, source }: Passed): NodeFacts['tarballs'][number] {
  const [name = '', file = ''] = path.split('/-/')
  return { name: name.startsWith('@') ? `${name.split('/')[0]}/${file}` : file, bytes, source }
}
