import { expect, test } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { type StartedNode, startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const folders = useTempFolders()

/** Nodes of which each has the next one for its upstream, and the last one the first. */
async function ring(size: number): Promise<readonly [StartedNode, ...StartedNode[]]> {
  const nodes: StartedNode[] = []
  const upstream = () => nodes.at(-1)?.npm ?? 'http://127.0.0.1:1/'
  for (let i = 0; i < size; i++) nodes.push(await startNode({ data: folders.create('data'), upstream: upstream() }))
  const [first, ...others] = nodes
  if (!first) throw new Error('a ring has a node')
  first.node.applyMirrors([{ name: 'npm', protocol: 'npm', path: '/npm/', upstreams: [upstream()], local: false }])
  return [first, ...others]
}

test.for([
  [1, 'is-odd'],
  [2, 'is-odd'],
  [3, 'is-odd'],
  [2, 'is-odd/1.0.0'],
  [2, 'is-odd/-/is-odd-1.0.0.tgz'],
  [2, '-/v1/search?text=odd'],
] as const)('in a ring of %i a request for %s is found to be in a loop when it has gone round once', async ([size, path]) => {
  const nodes = await ring(size)
  const response = await fetch(nodes[0].npm + path)
  // Whoever saw itself answered 508 to the node before it; a loop that nobody sees ends in UPSTREAM_TIMEOUT.
  expect([response.status, response.headers.get('x-warren-error')]).toEqual([503, 'UPSTREAM_FAILED'])
  await response.body?.cancel()
  for (const node of nodes) {
    const [health] = (await node.status()).upstream
    // A tarball asks for metadata as well.
    expect(health?.requests).toBeLessThanOrEqual(path.endsWith('.tgz') ? 4 : 1)
  }
})
