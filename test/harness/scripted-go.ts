import type { Clock } from '../../node/clock.ts'
import { type Answer, answer, serve } from './answer.ts'
import { GoLog, GoSigner } from './scripted-go-log.ts'
import { h1Of, makeZip, type ZipFile } from './scripted-go-zip.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

export interface GoModule {
  readonly module: string
  readonly version: string
  readonly zip: Buffer
  readonly mod: string
}

export interface PublishInit {
  /** Files beside go.mod, by name. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly requires?: readonly string[]
  readonly time?: string
  /** The proxy makes up the go.mod: there is none in the archive. */
  readonly synthetic?: boolean
  /** How its files are packed. */
  readonly way?: Partial<ZipFile>
  /** Whether the checksum database knows it. */
  readonly logged?: boolean
  /** Whether `list` has it. */
  readonly listed?: boolean
}

const escapeCase = (text: string) => text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
const TEXT = { 'content-type': 'text/plain; charset=utf-8' }

/** What a request is for, for the counts. */
export type GoKind = 'list' | 'latest' | 'info' | 'mod' | 'zip' | 'supported' | 'lookup' | 'tile' | 'head' | 'other'

/** A module proxy with a checksum database below it, as the public one is. */
export class ScriptedGo extends UpstreamServer {
  readonly log: GoLog
  /** Length of the log that its heads tell; all of it, if not set. */
  headSize: number | undefined
  readonly #answers = new Map<string, Answer>()
  readonly #lists = new Map<string, string[]>()
  readonly #records = new Map<string, number>()

  constructor(name = 'sum.example.test', clock?: Clock) {
    super(clock)
    this.log = new GoLog(new GoSigner(name))
  }

  /** Base URL of it as an upstream of a mirror. */
  get url(): string {
    return `${this.origin}/`
  }

  get sumdb(): string {
    return this.log.signer.verifier
  }

  /** Publishes a version: its files, its record, and its line in the list. */
  publish(module: string, version: string, init: PublishInit = {}): GoModule {
    const {
      files = {},
      requires = [],
      time = '2020-01-02T03:04:05Z',
      way = {},
      synthetic = false,
      logged = true,
      listed = true,
    } = init
    const needs = requires.map((one) => `require ${one.replace('@', ' ')}\n`).join('')
    const mod = files['go.mod']?.toString() ?? `module ${module}\n\ngo 1.20\n\n${needs}`
    const all = Object.entries(synthetic ? files : { ...files, 'go.mod': mod }).map(([name, data]) => ({
      name: `${module}@${version}/${name}`,
      data,
    }))
    const zip = makeZip(all.map((file) => ({ ...way, ...file })))
    const start = `/${escapeCase(module)}/@v/`
    const place = start + escapeCase(version)
    this.#answers.set(
      `${place}.info`,
      serve(JSON.stringify({ Version: version, Time: time }), { 'content-type': 'application/json' }),
    )
    this.#answers.set(`${place}.mod`, serve(mod, TEXT))
    this.#answers.set(`${place}.zip`, serve(zip, { 'content-type': 'application/zip' }))
    const list = this.#lists.get(`${start}list`) ?? []
    this.#lists.set(`${start}list`, listed ? [...list, version] : list)
    if (logged) {
      const h1mod = h1Of([{ name: 'go.mod', data: mod }])
      const text = `${module} ${version} ${h1Of(all)}\n${module} ${version}/go.mod ${h1mod}\n`
      this.#records.set(`${escapeCase(module)}@${escapeCase(version)}`, this.log.add(text))
    }
    return { module, version, zip, mod }
  }

  /** Answers a path, below the base and without a slash, with something else. */
  answer(path: string, given: Answer): void {
    this.#answers.set(`/${path}`, given)
  }

  /** Records of other people's modules, so that the log is as long as a test wants it. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      const module = `filler.test/m${this.log.size}`
      this.log.add(`${module} v1.0.0 h1:${'A'.repeat(43)}=\n${module} v1.0.0/go.mod h1:${'A'.repeat(43)}=\n`)
    }
  }

  protected kindOf(path: string): GoKind {
    if (path.startsWith('/sumdb/')) {
      const what = /\/(supported|lookup|tile|latest)(?:\/|$)/.exec(path)?.[1]
      return what === 'latest' ? 'head' : ((what ?? 'other') as GoKind)
    }
    const what = /\/@(?:v\/)?(?:.*\.)?(list|latest|info|mod|zip)$/.exec(path)?.[1]
    return (what ?? 'other') as GoKind
  }

  protected find({ path }: LoggedRequest): Answer {
    const fixed = this.#answers.get(path)
    if (fixed) return fixed
    const list = this.#lists.get(path)
    if (list) return serve(list.map((version) => `${version}\n`).join(''), TEXT)
    const database = `/sumdb/${this.log.signer.name}/`
    if (path.startsWith(database)) return this.#database(path.slice(database.length))
    return answer(404, `not found: ${path}`, TEXT)
  }

  #database(path: string): Answer {
    if (path === 'supported') return answer(200)
    if (path === 'latest') return serve(this.log.head(this.headSize), TEXT)
    if (path.startsWith('lookup/')) {
      const id = this.#records.get(path.slice('lookup/'.length))
      if (id === undefined) return answer(404, 'not found: no such record', TEXT)
      return serve(this.log.record(id, this.headSize), TEXT)
    }
    const tile = path.startsWith('tile/8/') ? this.log.tile(path.slice('tile/8/'.length)) : undefined
    return tile ? serve(tile) : answer(404, 'not found: no such tile', TEXT)
  }
}
