import { join } from 'node:path'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import { meshIdOf } from '../trust/certificates.ts'
import type { SigningKey } from '../trust/keys.ts'
import { MAX_OPS } from './constants.ts'
import type { OpBodies, OpType } from './effect.ts'
import { LedgerFile } from './ledger-file.ts'
import { claimedAuthor, hashOf, isOfNewerWarren, type Op, type OpScope, openOp, signOp } from './op.ts'
import { OpSet, type Summary } from './op-set.ts'
import type { LedgerState } from './state.ts'

export interface LedgerComponents {
  /** Hears what is wrong with the file; nothing of it stops the ledger. */
  onTrouble(message: string): void
}

/** Bytes of a file that is not worth being made shorter. */
const SMALL_FILE = 4 << 20

export interface LedgerInit {
  /** Folder of the mesh, `<data>/mesh`. */
  readonly folder: string
  /** Public key of the mesh. */
  readonly adminKey: string
  /** Ops that it takes. */
  readonly most?: number
}

/** What a new op of an author has to say of those before it. */
export interface Position {
  readonly seq: number
  readonly prev: string | null
  readonly lamport: number
}

/**
 * The ops of a mesh that this node knows, and what they mean together. It is a set: whatever order ops come in, and however often,
 * whoever has the same ones sees the same state. Several ops of one author with one number are all kept: the same key may have
 * been used on both sides of a partition.
 */
export class Ledger {
  readonly scope: OpScope
  readonly #components: LedgerComponents
  readonly #file: LedgerFile
  readonly #most: number
  readonly #ops: OpSet
  /** Lines of the file that a newer Warren wrote. */
  readonly #unreadable = new Set<string>()
  /** Bytes of the file behind which it is written anew. */
  #longest = SMALL_FILE
  /** What is still to be written: the disk may have been full. */
  #unwritten: readonly Op[] = []

  /** Reads what there is. A file that cannot be read is told of; what was in it comes from other members again. */
  constructor(components: LedgerComponents, { folder, adminKey, most = MAX_OPS }: LedgerInit) {
    this.#components = components
    this.#most = most
    this.scope = { mesh: meshIdOf(adminKey), adminKey }
    this.#ops = new OpSet(this.scope, { most })
    this.#file = new LedgerFile(join(folder, LEDGER_FILE))
    const { damaged } = this.#load()
    if (damaged > 0) this.#repair(damaged)
  }

  get state(): LedgerState {
    return this.#ops.state
  }

  /** All ops that are known here, the oldest first; among them some that later ones replaced. */
  all(): readonly Op[] {
    return this.#ops.all()
  }

  /** Those that every node has to have, the oldest first. */
  live(): readonly Op[] {
    return this.#ops.live()
  }

  has(hash: string): boolean {
    return this.#ops.has(hash)
  }

  /** A live one. */
  get(hash: string): Op | undefined {
    return this.#ops.get(hash)
  }

  get summary(): Summary {
    return this.#ops.summary
  }

  /** Where the next op of an author, a public key, comes. */
  positionOf(author: string): Position {
    const last = this.#ops.lastOf(author)
    return { seq: (last?.seq ?? 0) + 1, prev: last?.hash ?? null, lamport: this.#ops.lamport + 1 }
  }

  /**
   * Takes ops from elsewhere. Returns those that are new, and why the first wrong one is; what comes after that is left out. What is the
   * admin's and of a newer version is passed over, and so is, before anything is proven, what says to be of an author that is not heard.
   */
  add(
    texts: readonly string[],
    isHeard: (author: string) => boolean = () => true,
  ): { readonly added: readonly Op[]; readonly refused?: string } {
    const added: Op[] = []
    let refused: string | undefined
    for (const text of texts) {
      try {
        const author = claimedAuthor(text)
        const op = author === undefined || isHeard(author) ? this.#take(text) : undefined
        if (op) added.push(op)
      } catch (error) {
        if (!isWarrenError(error, 'UNTRUSTED')) throw error
        if (isOfNewerWarren(text, this.scope)) continue
        refused = error.message
        break
      }
    }
    this.#write(added)
    return { added, ...(refused !== undefined && { refused }) }
  }

  /** Takes what another process of this machine has appended; returns what is new. */
  refresh(): readonly Op[] {
    const added = this.#reread()
    if (this.#file.size > this.#longest) this.#shorten()
    return added
  }

  /**
   * Signs a new op and keeps it. Throws UNTRUSTED for a key that may not, STORE_UNUSABLE when it cannot be kept.
   * @param cert the certificate of an operator's key
   */
  issue<Type extends OpType>(type: Type, body: OpBodies[Type], key: SigningKey, now: number, cert?: string): Op {
    this.#reread()
    const { mesh } = this.scope
    const signer = cert === undefined ? {} : { cert }
    const position = this.positionOf(key.publicKey)
    const { text } = signOp({ mesh, ...position, issuedAt: now, type, body: { ...body }, ...signer }, key)
    // As everybody else will judge it.
    const op = openOp(text, this.scope)
    this.#admit(op)
    return op
  }

  /**
   * Takes an op that somebody signed for this mesh, unless it is here. Throws UNTRUSTED, STORE_UNUSABLE, or what `check` throws for a new
   * one, and changes nothing then.
   */
  relay(text: string, check: (op: Op) => void = () => {}): Op {
    this.#reread()
    const op = openOp(text, this.scope)
    if (this.#ops.has(op.hash)) return op
    check(op)
    this.#admit(op)
    return op
  }

  /** What somebody is told to be done has to be written down before. */
  #admit(op: Op): void {
    if (this.state.isVoid(op)) throw new WarrenError('UNTRUSTED', `operator «${op.operator}» was revoked`)
    if (!this.#ops.takes(op)) {
      if (this.#ops.size >= this.#most)
        throw new WarrenError('STORE_UNUSABLE', `the ledger is full: it has ${this.#ops.size} ops`)
      throw new WarrenError('STORE_UNUSABLE', `the ledger takes no more ops of operator «${op.operator}»`)
    }
    this.#file.append([op.text])
    this.#ops.add(op)
  }

  #reread(): readonly Op[] {
    const { added, damaged } = this.#load()
    if (damaged > 0) this.#components.onTrouble(`${this.#file.path}: ${damaged} of the new lines are no ops of this mesh`)
    return added
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

  /** Undefined for one that is here already, that counts no more, and for what is too much. Throws UNTRUSTED. */
  #take(text: string): Op | undefined {
    if (this.#ops.has(hashOf(text))) return undefined
    const op = openOp(text, this.scope)
    return this.#ops.add(op) ? op : undefined
  }

  /** What it means counts in any case; it is written with the next ones, or comes from other members after a restart. */
  #write(ops: readonly Op[]): void {
    // Without what is not kept any more: as long as the disk is full a stolen key could fill the memory.
    this.#unwritten = [...this.#unwritten.filter(({ hash }) => this.#ops.has(hash)), ...ops]
    if (this.#unwritten.length === 0) return
    try {
      this.#file.append(this.#unwritten.map(({ text }) => text))
      this.#unwritten = []
    } catch (error) {
      this.#components.onTrouble(reasonOf(error))
    }
  }

  /** Leaves out what was replaced: a stolen key could fill the disk with changes of one thing, and what is behind is read no more. */
  #shorten(): void {
    const lines = this.#rewrite()
    const size = lines.reduce((sum, { length }) => sum + length + 1, 0)
    this.#longest = Math.max(SMALL_FILE, 2 * size)
  }

  #repair(damaged: number): void {
    const { path } = this.#file
    this.#components.onTrouble(
      `${path}: ${damaged} of its lines are no ops of this mesh and are left out; what was in them comes from other members again`,
    )
    this.#rewrite()
  }

  #rewrite(): readonly string[] {
    const lines = [...this.all().map(({ text }) => text), ...this.#unreadable]
    try {
      this.#file.replace(lines)
    } catch (error) {
      this.#components.onTrouble(reasonOf(error))
    }
    return lines
  }
}

/** Its name in the folder of the mesh. */
export const LEDGER_FILE = 'ledger'
