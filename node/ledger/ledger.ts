import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import { meshIdOf } from '../trust/certificates.ts'
import type { SigningKey } from '../trust/keys.ts'
import { MAX_OPS } from './constants.ts'
import type { OpBodies, OpType } from './effect.ts'
import { LedgerFile } from './ledger-file.ts'
import { hashOf, inOrder, isOfNewerWarren, type Op, type OpScope, openOp, signOp } from './op.ts'
import { LedgerState } from './state.ts'

/** By what two ledgers see whether they are the same. */
export interface Summary {
  readonly count: number
  /** Sha256 over the hashes of all ops, in hex. */
  readonly digest: string
}

export interface LedgerComponents {
  /** Hears what is wrong with the file; nothing of it stops the ledger. */
  onTrouble(message: string): void
}

export interface LedgerInit {
  /** Folder of the mesh, `<data>/mesh`. */
  readonly folder: string
  /** Public key of the mesh. */
  readonly adminKey: string
  /** Ops that it takes. */
  readonly most?: number
}

/**
 * The ops of a mesh that this node knows, and what they mean together. It is a set: whatever order ops come in, and however often,
 * whoever has the same ones sees the same state. Several ops of one author with one number are all kept: the same key may have
 * been used on both sides of a partition.
 */
export class Ledger {
  readonly scope: OpScope
  readonly state: LedgerState
  readonly #components: LedgerComponents
  readonly #file: LedgerFile
  readonly #most: number
  readonly #ops = new Map<string, Op>()
  /** In order; undefined when an op has come since. */
  #sorted: readonly Op[] | undefined
  #summary: Summary | undefined
  /** Lines of the file that a newer Warren wrote. */
  readonly #unreadable = new Set<string>()
  /** Texts that are still to be written: the disk may have been full. */
  #unwritten: string[] = []

  /** Reads what there is. A file that cannot be read is told of; what was in it comes from other members again. */
  constructor(components: LedgerComponents, { folder, adminKey, most = MAX_OPS }: LedgerInit) {
    this.#components = components
    this.#most = most
    this.scope = { mesh: meshIdOf(adminKey), adminKey }
    this.state = new LedgerState(this.scope)
    this.#file = new LedgerFile(join(folder, LEDGER_FILE))
    const { damaged } = this.#load()
    if (damaged > 0) this.#repair(damaged)
  }

  /** All ops, the oldest first. */
  all(): readonly Op[] {
    this.#sorted ??= [...this.#ops.values()].sort(inOrder)
    return this.#sorted
  }

  has(hash: string): boolean {
    return this.#ops.has(hash)
  }

  get(hash: string): Op | undefined {
    return this.#ops.get(hash)
  }

  get summary(): Summary {
    this.#summary ??= { count: this.#ops.size, digest: digestOf([...this.#ops.keys()].sort()) }
    return this.#summary
  }

  /**
   * Takes ops from elsewhere. Returns those that are new, and why the first wrong one is; what comes after that is left out. What is the
   * admin's and of a newer version is passed over.
   */
  add(texts: readonly string[]): { readonly added: readonly Op[]; readonly refused?: string } {
    const added: Op[] = []
    let refused: string | undefined
    for (const text of texts) {
      try {
        const op = this.#take(text)
        if (op) added.push(op)
      } catch (error) {
        if (!isWarrenError(error, 'UNTRUSTED')) throw error
        if (isOfNewerWarren(text, this.scope)) continue
        refused = error.message
        break
      }
    }
    this.#write(added.map(({ text }) => text))
    return { added, ...(refused !== undefined && { refused }) }
  }

  /** Takes what another process of this machine has appended; returns what is new. */
  refresh(): readonly Op[] {
    const { added, damaged } = this.#load()
    if (damaged > 0) this.#components.onTrouble(`${this.#file.path}: ${damaged} of the new lines are no ops of this mesh`)
    return added
  }

  /** Signs a new op and keeps it. Throws UNTRUSTED for a key that may not, STORE_UNUSABLE when it cannot be kept. */
  issue<Type extends OpType>(type: Type, body: OpBodies[Type], key: SigningKey, now: number): Op {
    this.refresh()
    if (this.#ops.size >= this.#most) throw new WarrenError('STORE_UNUSABLE', `the ledger is full: it has ${this.#most} ops`)
    const last = this.all()
      .filter(({ author }) => author === key.publicKey)
      .reduce<Op | undefined>((one, other) => (one && one.seq > other.seq ? one : other), undefined)
    const lamport = (this.all().at(-1)?.lamport ?? 0) + 1
    const { mesh } = this.scope
    const fields = { mesh, seq: (last?.seq ?? 0) + 1, prev: last?.hash ?? null, lamport, issuedAt: now, type, body }
    const { text } = signOp(fields, key)
    // As everybody else will judge it.
    const op = openOp(text, this.scope)
    this.#file.append([text])
    this.#keep(op)
    return op
  }

  #load(): { added: Op[]; damaged: number } {
    const added: Op[] = []
    let damaged = 0
    try {
      for (const line of this.#file.read()) {
        try {
          const op = this.#take(line)
          if (op) added.push(op)
        } catch (error) {
          if (!isWarrenError(error, 'UNTRUSTED')) throw error
          if (isOfNewerWarren(line, this.scope)) this.#unreadable.add(line)
          else damaged++
        }
      }
    } catch (error) {
      this.#components.onTrouble(`the ledger of this node is not used, and comes from other members again: ${reasonOf(error)}`)
    }
    return { added, damaged }
  }

  /** Undefined for one that is here already, and for what is too much. Throws UNTRUSTED. */
  #take(text: string): Op | undefined {
    if (this.#ops.has(hashOf(text)) || this.#ops.size >= this.#most) return undefined
    const op = openOp(text, this.scope)
    this.#keep(op)
    return op
  }

  #keep(op: Op): void {
    this.#ops.set(op.hash, op)
    this.#sorted = undefined
    this.#summary = undefined
    this.state.apply(op)
  }

  /** What it means counts in any case; it is written with the next ones, or comes from other members after a restart. */
  #write(texts: readonly string[]): void {
    this.#unwritten.push(...texts)
    if (this.#unwritten.length === 0) return
    try {
      this.#file.append(this.#unwritten)
      this.#unwritten = []
    } catch (error) {
      this.#components.onTrouble(reasonOf(error))
    }
  }

  #repair(damaged: number): void {
    const { path } = this.#file
    this.#components.onTrouble(
      `${path}: ${damaged} of its lines are no ops of this mesh and are left out; what was in them comes from other members again`,
    )
    try {
      this.#file.replace([...this.all().map(({ text }) => text), ...this.#unreadable])
    } catch (error) {
      this.#components.onTrouble(reasonOf(error))
    }
  }
}

/** Its name in the folder of the mesh. */
export const LEDGER_FILE = 'ledger'

function digestOf(hashes: readonly string[]): string {
  return createHash('sha256').update(hashes.join('\n')).digest('hex')
}
