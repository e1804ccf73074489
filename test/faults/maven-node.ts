import { expect, onTestFinished } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { type Ask, exchange, type Reply } from '../harness/http.ts'
import { hexOf, ScriptedMaven } from '../harness/scripted-maven.ts'
import { type StartedNode, type StartNodeInit, startNode } from '../harness/start-node.ts'
import type { TempFolders } from '../harness/temp.ts'

export interface MavenNode extends StartedNode {
  /** Asks for a path of the mirror; what comes is seen to have no header that is untrue. */
  ask(path: string, ask?: Ask): Promise<Reply>
  /** The same for the bytes of a 200 that came whole, as text. */
  text(path: string): Promise<string>
}

export async function repository(): Promise<ScriptedMaven> {
  const started = await new ScriptedMaven().start()
  onTestFinished(() => started.upstream.stop())
  return started
}

export async function nodeBefore(
  temp: TempFolders,
  repositories: readonly ScriptedMaven[],
  { overrides, config, ...more }: Pick<StartNodeInit, 'overrides' | 'config'> & Partial<MirrorConfig> = {},
): Promise<MavenNode> {
  const upstreams = repositories.map(({ url }) => url)
  const mirror: MirrorConfig = { name: 'maven-x', protocol: 'maven', path: '/maven/x/', upstreams, local: false, ...more }
  const upstream = upstreams[0] ?? ''
  const given = { ...(overrides ? { overrides } : {}), ...(config ? { config } : {}) }
  const node = await startNode({ data: temp.create('data'), upstream, mirrors: [mirror], ...given })
  const ask = async (path: string, how: Ask = {}) => {
    const reply = await exchange(`${node.url}/maven/x/${path}`, how)
    checkHeaders(reply, how.method ?? 'GET')
    return reply
  }
  const text = async (path: string) => {
    const reply = await ask(path)
    expect([path, reply.status, reply.complete]).toEqual([path, 200, true])
    return reply.body.toString()
  }
  return { ...node, ask, text }
}

/**
 * Clients that find a checksum in a header ask for no file with it: nothing may look like one that is none (maven-resolver,
 * `ChecksumExtractor`; an ETag with «SHA1{…}» counts as well).
 */
function checkHeaders({ status, headers, body, complete }: Reply, method: string): void {
  for (const [name, value] of Object.entries(headers)) {
    if (/^x-(?:goog-meta|amz-meta)/.test(name)) throw new Error(`${name} is a checksum to clients`)
    expect(String(value)).not.toMatch(/sha-?1?\{/i)
    if (!name.startsWith('x-checksum-') || method === 'HEAD' || !complete) continue
    const algorithm = name.slice('x-checksum-'.length)
    expect([name, status === 200 && (algorithm === 'sha1' || algorithm === 'md5')]).toEqual([name, true])
    expect(value).toBe(hexOf(algorithm as 'sha1' | 'md5', body))
  }
}
