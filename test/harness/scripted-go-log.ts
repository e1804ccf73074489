import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

const HEIGHT = 8
const FULL = 2 ** HEIGHT

const sha256 = (...parts: (string | Buffer)[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** A key that signs notes (x/mod/sumdb/note). */
export class GoSigner {
  readonly name: string
  /** `name+hash+key`, as GOSUMDB has it. */
  readonly verifier: string
  readonly #hash: Buffer
  readonly #key: KeyObject

  constructor(name: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
    const key = Buffer.concat([Buffer.from([1]), raw])
    this.name = name
    this.#hash = sha256(`${name}\n`, key).subarray(0, 4)
    this.#key = privateKey
    this.verifier = `${name}+${this.#hash.toString('hex')}+${key.toString('base64')}`
  }

  /** The line that goes below a note. */
  line(text: string): string {
    const signature = Buffer.concat([this.#hash, sign(null, Buffer.from(text), this.#key)])
    return `\u2014 ${this.name} ${signature.toString('base64')}\n`
  }

  note(text: string): string {
    return `${text}\n${this.line(text)}`
  }
}

/** The log of a checksum database, with the tiles and signed heads that it has at any length. */
export class GoLog {
  readonly signer: GoSigner
  readonly #records: string[] = []
  readonly #hashes = new Map<string, Buffer>()

  constructor(signer: GoSigner) {
    this.signer = signer
  }

  get size(): number {
    return this.#records.length
  }

  /** Appends lines of a go.sum; returns their place. */
  add(text: string): number {
    return this.#records.push(text) - 1
  }

  /** What a lookup answers for a record: itself, and the head of the log when it had `size` records. */
  record(id: number, size = this.size): string {
    return `${id}\n${this.#records[id]}\n${this.head(size)}`
  }

  /** Signed head of the log when it had `size` records. */
  head(size = this.size): string {
    return this.signer.note(`go.sum database tree\n${size}\n${this.root(size).toString('base64')}\n`)
  }

  root(size = this.size): Buffer {
    return this.#over(0, size)
  }

  /** What is below `tile/8/`; undefined for tiles that the log does not reach. */
  tile(path: string): Buffer | undefined {
    const [, level = '', number = '', partial] = /^(\d+|data)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? []
    if (level === '') return undefined
    const first = Number(number.replace(/[x/]/g, '')) * FULL
    const width = partial === undefined ? FULL : Number(partial)
    const step = level === 'data' ? 1 : FULL ** Number(level)
    if ((first + width) * step > this.size) return undefined
    const places = Array.from({ length: width }, (_, i) => first + i)
    if (level === 'data') return Buffer.from(places.map((id) => `${id}\n${this.#records[id]}\n`).join(''))
    return Buffer.concat(places.map((i) => this.#over(i * step, (i + 1) * step)))
  }

  /** Merkle tree hash of records (RFC 6962 section 2.1). */
  #over(start: number, end: number): Buffer {
    if (end === start) return sha256()
    const key = `${start} ${end}`
    const known = this.#hashes.get(key)
    if (known) return known
    let hash: Buffer
    if (end - start === 1) hash = sha256('\0', this.#records[start] ?? '')
    else {
      const half = 2 ** Math.ceil(Math.log2(end - start) - 1)
      hash = sha256('\x01', this.#over(start, start + half), this.#over(start + half, end))
    }
    this.#hashes.set(key, hash)
    return hash
  }
}
