import type { OpAnswer } from '../../api/ops-schema.ts'
import { ask } from './client.ts'
import type { Operator } from './operator.ts'

let operator: Operator | undefined
const listeners = new Set<() => void>()

/** Whoever signs changes of the mesh at this page; undefined: the node is asked to, which the one with the admin key does. */
export function currentOperator(): Operator | undefined {
  return operator
}

export function setOperator(given: Operator | undefined): void {
  operator = given
  for (const listener of listeners) listener()
}

/** Calls back whenever somebody else signs; returns what ends that. */
export function onOperator(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Changes the whole mesh: an op of the ledger. Throws Refusal, and where signing is not possible. */
export async function changeMesh(type: string, body: object): Promise<OpAnswer> {
  return ask('POST', 'ops', operator ? { op: await operator.sign(type, body) } : { type, body })
}
