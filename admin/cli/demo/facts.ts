import type { Status } from '../../api/status-schema.ts'
import { formatBytes, plural } from '../format.ts'
import type { StepTime } from './story.ts'
import type { Tree } from './tree.ts'

export interface Tarball {
  readonly name: string
  /** Bytes that npm got. */
  readonly bytes: number
  /** What the node said where they came from. */
  readonly source: string
}

/** What one node did for its installation. */
export interface NodeFacts {
  readonly name: string
  readonly role: string
  /** Peer id. */
  readonly peer: string
  readonly tarballs: readonly Tarball[]
  readonly installed: Tree
  /** Answers and bytes by source, tarballs and documents together, as in `warren status`. */
  readonly requests: Status['requests']
  readonly bytes: Status['bytes']
  /** Bytes of blobs by the member that they came from, as in `warren peers`. */
  readonly from: readonly { readonly node: string; readonly bytes: number }[]
}

/** All that a run found out. Times in ms. */
export interface Facts {
  readonly package: string
  readonly upstream: string
  /** Mesh id. */
  readonly mesh: string
  readonly nodes: readonly [NodeFacts, NodeFacts, NodeFacts]
  /** Requests for tarballs that the upstream of nodes 2 and 3 refused. */
  readonly refused: number
  readonly steps: readonly StepTime[]
}

/** What keeps the facts from proving what the demo claims; nothing when they do. */
export function problemsOf({ nodes: [first, second, third] }: Facts): string[] {
  const problems = first.tarballs.length === 0 ? [`${first.name} was asked for no tarball`] : []
  for (const [node, giver, source] of [
    [second, first, 'seed'],
    [third, second, 'peer'],
  ] as const) {
    if (namesOf(node) !== namesOf(first)) problems.push(`${node.name} was asked for other tarballs than ${first.name}`)
    const elsewhere = node.tarballs.filter((tarball) => tarball.source !== source)
    if (elsewhere.length > 0)
      problems.push(`${node.name} did not have these from ${giver.name}: ${elsewhere.map(({ name }) => name).join(', ')}`)
    if (node.from.some((one) => one.node !== giver.name && one.bytes > 0))
      problems.push(`${node.name} had bytes from others than ${giver.name}`)
    if ((node.from.find((one) => one.node === giver.name)?.bytes ?? 0) < sizeOf(node.tarballs))
      problems.push(`${node.name} had less from ${giver.name} than it delivered`)
    if (node.installed.sha256 !== first.installed.sha256)
      problems.push(`what ${node.name} installed is not what ${first.name} installed`)
  }
  return problems
}

/** What is proven when there is no problem, in a sentence. */
export function provenText({ nodes: [first, second, third] }: Facts): string {
  const { tarballs } = first
  const what = tarballs.length === 1 ? 'the tarball' : `all ${plural(tarballs.length, 'tarball')}`
  return `${capital(second.name)} had ${what} (${formatBytes(sizeOf(tarballs))}) from ${first.name}, and ${third.name} had them from ${second.name} after ${first.name} was gone, while their upstream gave out no tarball; the three installations are the same, byte for byte.`
}

export function sizeOf(tarballs: readonly Tarball[]): number {
  return tarballs.reduce((sum, { bytes }) => sum + bytes, 0)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function namesOf({ tarballs }: NodeFacts): string {
  return tarballs
    .map(({ name, bytes }) => `${name} ${bytes}`)
    .toSorted()
    .join('\n')
}
