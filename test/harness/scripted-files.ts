import { onTestFinished } from 'vitest'
import type { Overrides } from '../../node/components.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { get, type Reply } from './http.ts'
import { type StartedNode, startNode } from './start-node.ts'
import type { TempFolders } from './temp.ts'

/** A generic mirror called `files`. */
export function filesMirror(upstream: string, more: Partial<MirrorConfig> = {}): MirrorConfig {
  return { name: 'files', protocol: 'raw', path: '/raw/files/', upstreams: [new URL(upstream).href], local: false, ...more }
}

export interface FilesNode extends StartedNode {
  /** Base URL of the mirror, with a slash at its end. */
  readonly files: string
  ask(path: string, headers?: Record<string, string>): Promise<Reply>
}

interface FilesNodeInit {
  readonly data: string
  readonly upstream: string
  readonly mirror?: Partial<MirrorConfig>
  readonly overrides?: Overrides
}

/** A node with a generic mirror of one base. */
async function filesNode({ data, upstream, mirror, overrides = {} }: FilesNodeInit): Promise<FilesNode> {
  return withFiles(await startNode({ data, upstream, mirrors: [filesMirror(upstream, mirror)], overrides }))
}

export function withFiles<N extends StartedNode>(node: N): N & FilesNode {
  const files = `${node.url}/raw/files/`
  return { ...node, files, ask: (path, headers = {}) => get(files + path, headers) }
}

/** Starts an upstream that stops when the test is over. */
export async function started<U extends { start(): Promise<U>; stop(): Promise<void> }>(upstream: U): Promise<U> {
  await upstream.start()
  onTestFinished(() => upstream.stop())
  return upstream
}

/** A node before an upstream, with a data folder of its own. */
export function nodeBefore(
  temp: TempFolders,
  upstream: string,
  mirror: Partial<MirrorConfig> = {},
  overrides: Overrides = {},
): Promise<FilesNode> {
  return filesNode({ data: temp.create('data'), upstream, mirror, overrides })
}
