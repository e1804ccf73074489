import { Agent, type Dispatcher, request } from 'undici'
import { loadNodeToken } from '../../node/node-token.ts'

export interface ApiReply {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of it
  readonly body: any
}

/** Asks a node's admin API, below `/admin/v1/`, with its token unless that is left out. */
export type AskApi = (method: Dispatcher.HttpMethod, path: string, body?: unknown, as?: 'token' | 'nobody') => Promise<ApiReply>

/** @param admin base URL of the admin listener, or `unix:` and its path @param data data folder of the node */
export function apiOf(admin: string, data: string): AskApi {
  return async (method, path, body, as = 'token') => {
    const headers = {
      ...(as === 'token' && { authorization: `Bearer ${loadNodeToken(data).value}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const [, socketPath] = /^unix:(.+)$/.exec(admin) ?? []
    const dispatcher = new Agent(socketPath === undefined ? {} : { connect: { socketPath } })
    try {
      const url = `${socketPath === undefined ? admin : 'http://localhost'}/admin/v1/${path}`
      const response = await request(url, { method, headers, dispatcher, ...sent })
      return { status: response.statusCode, body: await response.body.json() }
    } finally {
      await dispatcher.close()
    }
  }
}
