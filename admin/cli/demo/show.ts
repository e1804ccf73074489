import { formatBytes, plural } from '../format.ts'
import { aligned, type Output, styled, table } from '../print.ts'
import { type Facts, type NodeFacts, problemsOf, provenText, sizeOf } from './facts.ts'

/** Tarballs that are shown one by one. */
const MOST = 12

/** The tarballs that an installation got, with the place that each came from. */
export function tarballLines(
  { tarballs, installed }: NodeFacts,
  places: ReadonlyMap<string, string>,
  output: Output,
): string[] {
  const shown = tarballs.length > MOST ? tarballs.slice(0, MOST - 1) : tarballs
  const rest = tarballs.slice(shown.length)
  const sources = [...new Set(rest.map(({ source }) => source))]
  const rows = [
    ...shown.map(({ name, bytes, source }) => [name, formatBytes(bytes), source, places.get(source) ?? '']),
    ...(rest.length > 0 ? [[`and ${rest.length} more`, formatBytes(sizeOf(rest)), sources.join(', '), '']] : []),
  ]
  const total = `${plural(tarballs.length, 'tarball')}, ${formatBytes(sizeOf(tarballs))}; installed: ${plural(installed.files, 'file')}, ${formatBytes(installed.bytes)}`
  return [...aligned(rows, { decorate: (cell, _row, column) => (column === 2 ? sourceStyled(output, cell) : cell) }), total]
}

/** All nodes together, and what follows from it. */
export function summaryLines(facts: Facts, output: Output): string[] {
  const refused = `The upstream of nodes 2 and 3 gave them documents only; it refused ${plural(facts.refused, 'request')} for a tarball.`
  return [...sourceTable(facts, output), '', ...transferTable(facts, output), '', refused, ...verdictLines(facts, output)]
}

/** Which node answered how often from where. */
function sourceTable({ nodes }: Facts, output: Output): string[] {
  const rows = nodes.flatMap(({ name, requests, bytes }) => {
    const sizes = new Map(Object.entries(bytes))
    const used = Object.entries(requests).filter(([, amount]) => amount > 0)
    return used.map(([source, amount], at) => [
      at === 0 ? name : '',
      source,
      String(amount),
      sizes.has(source) ? formatBytes(sizes.get(source) ?? 0) : '',
    ])
  })
  return table(output, [['node', 'source', 'requests', 'bytes'], ...rows])
}

/** Who sent how much to whom. */
function transferTable({ nodes }: Facts, output: Output): string[] {
  const rows = nodes.flatMap(({ name, from }) =>
    from.filter(({ bytes }) => bytes > 0).map((one) => [one.node, name, formatBytes(one.bytes)]),
  )
  return table(output, [['from', 'to', 'bytes'], ...rows])
}

/** What is proven, or what is in the way. */
function verdictLines(facts: Facts, output: Output): string[] {
  const problems = problemsOf(facts)
  if (problems.length === 0) return [`${styled(output, 'green', 'Proven.')} ${provenText(facts)}`]
  return [styled(output, 'red', 'Not proven:'), ...problems.map((problem) => `- ${problem}`)]
}

function sourceStyled(output: Output, source: string): string {
  return styled(output, source === 'upstream' ? 'yellow' : 'green', source)
}
