import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Clock } from '../../node/clock.ts'
import { type Answer, answer, type Headers, serve } from './answer.ts'
import { headers, spoil } from './fault.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

export interface DebInit {
  readonly name: string
  readonly version?: string
  readonly architecture?: string
  readonly depends?: string
  readonly bytes: Buffer
}

/** What an archive offers beside its packages. */
export interface Shape {
  /** Whether index files are there by their digests, as clients then want them (`Acquire-By-Hash`). */
  readonly byHash: boolean
  /** `InRelease`, which has its signature in it; without it `Release` has none at all. */
  readonly inRelease: boolean
  /** Signs a text as `gpg --clearsign` does; a signature that proves nothing, if not set. */
  readonly sign?: (text: string) => string
}

/** A Debian archive with one suite, `stable/main` for amd64, under `/debian/`. */
export class ScriptedDebian extends UpstreamServer {
  readonly #shape: Shape
  readonly #files = new Map<string, Answer>()
  readonly #debs = new Map<string, { readonly stanza: string }>()
  #now = Date.UTC(2026, 0, 1)

  constructor(shape: Partial<Shape> = {}, clock?: Clock) {
    super(clock)
    this.#shape = { byHash: true, inRelease: true, ...shape }
  }

  /** What the client's `sources.list` and the mirror have for it. */
  get base(): string {
    return `${this.origin}/debian/`
  }

  /** Puts any file there; undefined takes it away. */
  put(path: string, bytes: Buffer | string | undefined, more: Headers = {}): void {
    if (bytes === undefined) this.#files.delete(path)
    else
      this.#files.set(
        path,
        spoil(serve(bytes), headers({ etag: '', 'last-modified': new Date(this.#now).toUTCString(), ...more })),
      )
  }

  /** A package, listed with the next `publish`. Returns its path below the archive. */
  add({ name, version = '1.0', architecture = 'amd64', depends, bytes }: DebInit): string {
    const path = `pool/main/${name[0]}/${name}/${name}_${version}_${architecture}.deb`
    this.put(`/debian/${path}`, bytes)
    const stanza = [
      `Package: ${name}`,
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      'Maintainer: Nobody <nobody@example.test>',
      ...(depends === undefined ? [] : [`Depends: ${depends}`]),
      `Filename: ${path}`,
      `Size: ${bytes.length}`,
      `SHA256: ${sha256(bytes)}`,
      `Description: ${name}`,
    ].join('\n')
    this.#debs.set(name, { stanza })
    return path
  }

  /** Lists all packages anew, a minute after the last time. What was there by its digest goes, as archives clean up. */
  publish({ keepByHash = false } = {}): void {
    this.#now += 60_000
    if (!keepByHash) for (const path of this.#files.keys()) if (path.includes('/by-hash/')) this.#files.delete(path)
    const packages = Buffer.from([...this.#debs.values()].map(({ stanza }) => `${stanza}\n\n`).join(''))
    const indexes = new Map([
      ['main/binary-amd64/Packages', packages],
      ['main/binary-amd64/Packages.gz', gzipSync(packages)],
    ])
    for (const [path, bytes] of indexes) {
      this.put(`/debian/dists/stable/${path}`, bytes)
      if (this.#shape.byHash) this.put(`/debian/dists/stable/main/binary-amd64/by-hash/SHA256/${sha256(bytes)}`, bytes)
    }
    const release = this.#release(indexes)
    const { inRelease, sign = unsigned } = this.#shape
    this.put(`/debian/dists/stable/${inRelease ? 'InRelease' : 'Release'}`, inRelease ? sign(release) : release)
  }

  #release(indexes: ReadonlyMap<string, Buffer>): string {
    const lines = Array.from(indexes, ([path, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${path}`)
    return [
      'Origin: Warren',
      'Suite: stable',
      'Codename: stable',
      `Date: ${new Date(this.#now).toUTCString().replace('GMT', 'UTC')}`,
      ...(this.#shape.byHash ? ['Acquire-By-Hash: yes'] : []),
      'Architectures: amd64',
      'Components: main',
      'SHA256:',
      ...lines,
      '',
    ].join('\n')
  }

  protected kindOf(path: string, method: string): string {
    const kind = /\.deb$/.test(path) ? 'deb' : /\/by-hash\//.test(path) ? 'by-hash' : (path.split('/').at(-1) ?? '')
    return method === 'GET' ? kind : `${method} ${kind}`
  }

  protected find({ path }: LoggedRequest): Answer {
    return this.#files.get(path) ?? answer(404, 'there is no such file')
  }
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** In the form of a signed text (RFC 9580 section 7), for whoever does not look at the signature. */
function unsigned(text: string): string {
  return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${text}-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n`
}
