import { setTimeout } from 'node:timers/promises'
import { OPERATOR_VARIABLE } from '../../node/config/env.ts'
import type { OpBodies, OpType } from '../../node/ledger/effect.ts'
import { signOp } from '../../node/ledger/op.ts'
import { decodeOperatorKey } from '../../node/trust/operator-key.ts'
import { type OpAnswer, opSchema, positionSchema } from '../api/ops-schema.ts'
import type { ApiClient } from './api-client.ts'
import { UsageError } from './exit-codes.ts'
import { plural } from './format.ts'
import { type GivenSecret, secretFile, secretVariable } from './secret-variable.ts'

/** Ms that the members of a mesh get to acknowledge, and between two looks. */
const PATIENCE = 15_000
const BEAT = 250

export interface MeshOptions {
  /** Change the whole mesh, not this node. */
  readonly mesh?: boolean
  /** File with an operator key. */
  readonly operatorKey?: string
  readonly json?: boolean
}

/** Whether a change is for the whole mesh. Throws UsageError for a key that would be left unused: its owner meant the mesh. */
export function isForMesh({ mesh = false, operatorKey }: MeshOptions): boolean {
  if (!mesh && operatorKey !== undefined)
    throw new UsageError(
      '--operator-key is for changes of the whole mesh: give --mesh as well, or leave it out for this node alone',
    )
  return mesh
}

/**
 * Changes the whole mesh by an op: signed here by an operator key, if there is one, so that any node takes it; else by the node that is
 * asked, which has to be the one with the admin key. Resolves when all that are there have put it into effect, or after a while.
 * Throws UsageError, OPERATOR_INVALID, and what the node says.
 */
export async function changeMesh<Type extends OpType>(
  client: ApiClient,
  change: { readonly type: Type; readonly body: OpBodies[Type] },
  options: MeshOptions,
): Promise<OpAnswer> {
  const given =
    options.operatorKey === undefined
      ? secretVariable(OPERATOR_VARIABLE)
      : secretFile(options.operatorKey, `--operator-key (${options.operatorKey})`)
  const body = given ? { op: await signedBy(given, client, change) } : change
  const { json } = await client.ask('POST', '/admin/v1/ops', { body })
  return followed(client, opSchema.parse(json), options)
}

/** What has become of an op, in a sentence. */
export function fateText({ appliedBy, missing, inEffect }: OpAnswer): string {
  if (!inEffect) return 'without effect, since another op about the same comes after it («warren ledger» tells whose)'
  const nodes = appliedBy?.length ?? 0
  if (missing.length === 0) return `in effect at ${nodes === 1 ? 'one node' : `all ${nodes} nodes`} of the mesh`
  const names = missing.slice(0, 5).map(({ peer, connected }) => (connected ? peer : `${peer} (away)`))
  const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : ''
  return `in effect at ${plural(nodes, 'node')}; not yet heard of by ${names.join(', ')}${more} («warren ledger» tells)`
}

async function signedBy<Type extends OpType>(
  { text, where }: GivenSecret,
  client: ApiClient,
  { type, body }: { readonly type: Type; readonly body: OpBodies[Type] },
): Promise<string> {
  const { key, text: cert, certificate } = decodeOperatorKey(text)
  const position = positionSchema.parse(await client.get(`/admin/v1/ops/position?author=${key.publicKey}`))
  const { mesh, seq, prev, lamport } = position
  if (mesh !== certificate.mesh)
    throw new UsageError(`${where}: the operator key is for mesh ${certificate.mesh}, and the node is in mesh ${mesh}`)
  if (certificate.notAfter < Date.now())
    throw new UsageError(
      `${where}: the operator key ended at ${new Date(certificate.notAfter).toISOString()}: ask the admin for another`,
    )
  return signOp({ mesh, seq, prev, lamport, issuedAt: Date.now(), type, body: { ...body }, cert }, key).text
}

/** Who looks on by the node token sees it get around; others are told that it is under way. */
async function followed(client: ApiClient, begun: OpAnswer, { json }: MeshOptions): Promise<OpAnswer> {
  const isShown = process.stderr.isTTY === true && !json
  const end = performance.now() + PATIENCE
  let op = begun
  while (
    client.hasToken &&
    performance.now() < end &&
    (op.appliedBy === null || op.missing.some(({ connected }) => connected))
  ) {
    if (isShown) process.stderr.write(`\r\x1b[K${plural(op.appliedBy?.length ?? 0, 'node')} so far`)
    await setTimeout(BEAT)
    op = opSchema.parse(await client.get(`/admin/v1/ops/${op.hash}`))
  }
  if (isShown) process.stderr.write('\r\x1b[K')
  return op
}
