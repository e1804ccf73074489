import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadNodeToken } from '../../../node/node-token.ts'
import { type StartedNode, type StartNodeInit, startNode } from '../../harness/start-node.ts'

/** What the admin API answered. */
interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they expect it to be
  readonly json: any
}

export interface AdminNode extends StartedNode {
  readonly data: string
  /** Its node token. */
  readonly token: string
  /** Everything that was logged. */
  readonly lines: string[]
  /** Asks with the node token, unless a header says otherwise. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** What stands in its audit log. */
  audited(): Record<string, unknown>[]
}

/** A node in this process, seen from its admin API. */
export async function startAdminNode(data: string, init: Partial<StartNodeInit> = {}): Promise<AdminNode> {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const node = await startNode({ data, upstream: 'http://127.0.0.1:1', ...init, overrides: { log, ...init.overrides } })
  const token = loadNodeToken(data).value
  const authorization = `Bearer ${token}`
  return {
    ...node,
    data,
    token,
    lines,
    async ask(method, path, body, headers = {}) {
      const json = body === undefined ? {} : { 'content-type': 'application/json' }
      const answer = await fetch(`${node.admin}/admin/v1/${path}`, {
        method,
        headers: { authorization, ...json, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, json: text === '' ? undefined : JSON.parse(text) }
    },
    audited() {
      const lines = readFileSync(join(data, 'audit.log'), 'utf8').split('\n').slice(0, -1)
      return lines.map((line) => JSON.parse(line))
    },
  }
}
