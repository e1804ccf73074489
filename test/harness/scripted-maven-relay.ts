import { type Answer, answer, serve } from './answer.ts'
import type { ScriptedUpstream } from './scripted.ts'

/** Headers of a repository that say something about its files. */
const PASSED = ['content-type', 'last-modified', 'cache-control']

/** What was asked so far, by its URL: a real repository is asked once in a run for each file. */
const answers = new Map<string, Promise<Answer>>()

/**
 * An upstream that has what a real repository has: what is counted, cut and taken away is what a node
 * asks of it. Gives its base URL.
 */
export function relayTo(repository: string, upstream: ScriptedUpstream): string {
  upstream.on(/^\//, ({ target }) => relayed(repository, target.slice(1)))
  return `${upstream.origin}/`
}

/** What the real repository has at a path, for a test that does something to it. */
export function relayed(repository: string, path: string): Promise<Answer> {
  const { href } = new URL(path, repository)
  const known = answers.get(href) ?? ask(href)
  answers.set(href, known)
  return known
}

async function ask(url: string): Promise<Answer> {
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  const body = Buffer.from(await response.arrayBuffer())
  const headers = Object.fromEntries(
    PASSED.flatMap((name) => (response.headers.has(name) ? [[name, response.headers.get(name) as string]] : [])),
  )
  return response.status === 200 ? serve(body, headers) : answer(response.status, body)
}
