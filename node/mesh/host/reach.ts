import type { Connection, Libp2p } from '@libp2p/interface'
import { z } from 'zod'
import { answerWith, ask, type Question } from './question.ts'
import { shuffled } from './shuffled.ts'

interface Reached {
  readonly v: 1
  readonly reachable: boolean
}

/** «Can you dial my blob port?» The other side makes a connection for it. */
const REACH: Question<Reached> = {
  protocol: '/warren/reach/1.0.0',
  schema: z.object({ v: z.literal(1), reachable: z.boolean() }),
  maxBytes: 256,
  limit: 8_000,
}
/** Members that are asked at a time; one that says yes is enough. */
const ASKED = 3

/** Answers members whether their blob port can be reached from here; `check` finds out. */
export function answerReach(libp2p: Libp2p, check: (peer: string, signal: AbortSignal) => Promise<boolean>): Promise<void> {
  return answerWith(libp2p, REACH, async (peer, signal) => ({ v: 1, reachable: await check(peer, signal) }))
}

/** Whether any of some members can reach this node; undefined when none of them answered. */
export async function askReach(connections: readonly Connection[], signal: AbortSignal): Promise<boolean | undefined> {
  const peers = new Map(connections.map((connection) => [connection.remotePeer.toString(), connection]))
  const asked = shuffled([...peers.values()], Math.random).slice(0, ASKED)
  const answers = await Promise.all(asked.map((connection) => ask(connection, REACH, signal).catch(() => undefined)))
  if (answers.some((answer) => answer?.reachable)) return true
  return answers.some((answer) => answer !== undefined) ? false : undefined
}
