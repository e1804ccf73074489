import { randomBytes } from 'node:crypto'
import type { OpBodies, OpType } from '../../node/ledger/effect.ts'
import { signOp } from '../../node/ledger/op.ts'
import { issueOperatorCertificate } from '../../node/trust/certificates.ts'
import { generateKey, type SigningKey } from '../../node/trust/keys.ts'
import type { ApiReply, AskApi } from './api.ts'

/** Whatever has an admin API. */
interface Asked {
  readonly api: AskApi
}

const DAY = 24 * 60 * 60_000

type Scope = Parameters<typeof issueOperatorCertificate>[0]['scope']

/** Somebody with an operator key, who signs by hand what the command line signs. */
export class Operator {
  readonly key = generateKey()
  readonly #mesh: { readonly mesh: string; readonly adminKey: SigningKey }
  readonly #cert: string

  constructor(mesh: { readonly mesh: string; readonly adminKey: SigningKey }, init: { scope?: Scope; notAfter?: number } = {}) {
    this.#mesh = mesh
    const now = Date.now()
    const { scope = ['purge', 'policy', 'mirrors'], notAfter = now + DAY } = init
    const name = `operator-${randomBytes(2).toString('hex')}`
    this.#cert = issueOperatorCertificate(
      { mesh: mesh.mesh, key: this.key.publicKey, name, scope, issuedAt: now, notAfter },
      mesh.adminKey,
    )
  }

  /** An op for a node to relay, which tells what comes next. */
  async sign<Type extends OpType>(node: Asked, type: Type, body: OpBodies[Type], issuedAt = Date.now()): Promise<string> {
    const { body: position } = await node.api('GET', `ops/position?author=${this.key.publicKey}`)
    const { seq, prev, lamport } = position
    const said = { mesh: this.#mesh.mesh, seq, prev, lamport, issuedAt, type, body: { ...body }, cert: this.#cert }
    return signOp(said, this.key).text
  }

  /** Signs an op and hands it in, without any token. */
  async issue<Type extends OpType>(node: Asked, type: Type, body: OpBodies[Type]): Promise<ApiReply> {
    return node.api('POST', 'ops', { op: await this.sign(node, type, body) }, 'nobody')
  }
}
