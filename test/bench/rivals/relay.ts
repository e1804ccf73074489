import { type ServerProcess, startModule } from '../../harness/server-process.ts'
import { tempFolder } from '../bench.ts'
import type { Upstream } from '../upstream.ts'

/**
 * The least that a proxy which hashes and keeps can do, in a process of its own: `node:http` in, sha256 and sha512 over each
 * chunk (what a node computes for npm), a file, `node:http` out. It checks nothing, syncs nothing, and serves nobody twice.
 */
export async function startRelay(stack: AsyncDisposableStack, upstream: Upstream): Promise<ServerProcess> {
  const folder = tempFolder(stack, 'relay')
  return stack.use(await startModule(new URL('../child/relay.ts', import.meta.url), [upstream.url, folder]))
}
