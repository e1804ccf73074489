import { type Answer, redirect } from '../../harness/answer.ts'
import { ScriptedIndex } from '../../harness/scripted-pypi.ts'
import type { LoggedRequest } from '../../harness/tally.ts'
import { eventually } from '../../harness/wait.ts'
import { contestRow } from '../contest.ts'
import { Packages, packageOf } from '../packages.ts'
import { Proxpi } from '../rivals/proxpi.ts'
import { compareWarm } from '../warm.ts'
import { fill, Warren } from '../warren.ts'

const ROW = '10'
const BYTES = 16 << 10
const CONNECTIONS = 64
const RIVAL = 'proxpi'
const GOALS = { [RIVAL]: { atLeast: 10 } }
const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
/** What pip sends for a page. */
const PAGE_HEADERS = {
  accept: `${JSON_TYPE}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01`,
  'accept-encoding': 'gzip, deflate',
}
/** What pip sends for a file. */
const FILE_HEADERS = { 'accept-encoding': 'identity' }
const PAGE = 'document'
const FILES = 'hot'

/** A warm page of a project with as many files as old projects have, and warm wheels, as pip asks for both. */
export const python = contestRow(
  ROW,
  (bench) => Proxpi.install(bench),
  async ({ bench, stack, wrk, rival: proxpi }) => {
    const listed = bench.smoke ? 20 : 520
    const [own, rivals] = [await startIndex(stack, listed), await startIndex(stack, listed)]
    const warren = await Warren.startMirror(stack, { protocol: 'pypi', path: '/pypi/', upstreams: [own.base] })
    const target = await proxpi.start(stack, rivals.base, bench.signal)

    const pages = { warren: `/simple/${PAGE}/`, [RIVAL]: `/index/${PAGE}/` }
    // A node sends a page plain until its compressed form is made.
    const page = await eventually('the node sends the page compressed', () => pageOf(warren.url + pages.warren))
    const other = await eventually(`${RIVAL} sends the page compressed`, () => pageOf(target.url + pages[RIVAL]))
    if (page.files.length !== listed || other.files.length !== listed) throw new Error(`a page has not ${listed} files`)
    const work = `warm project page of ${Math.round(page.bytes / 1000)} kB, gzip`
    const load = { connections: CONNECTIONS, headers: PAGE_HEADERS }
    const sides = (paths: { warren: readonly string[]; rival: readonly string[] }) => ({
      warren: { target: warren, paths: paths.warren, asked: () => own.tally.total.requests },
      [RIVAL]: { target, paths: paths.rival, asked: () => rivals.tally.total.requests },
    })
    const both = sides({ warren: [pages.warren], rival: [pages[RIVAL]] })
    await compareWarm(bench, wrk, { row: ROW, work, load, goals: GOALS, isFixed: false }, both)

    const at = `${warren.url}/simple/${FILES}/`
    const mount = new URL(warren.url).pathname
    const { files } = await eventually('the node sends the page of the wheels compressed', () => pageOf(at))
    const wheels = files.map(({ url }) => new URL(url, at).pathname.slice(mount.length))
    const names = files.map(({ filename }) => `/index/${FILES}/${filename}`)
    await warren.warm(wheels, BYTES, bench.signal, FILE_HEADERS)
    await fill(target.url, names, BYTES, bench.signal, { ask: FILE_HEADERS })
    const what = { row: ROW, work: `${wheels.length} warm 16 KiB wheels`, goals: GOALS, isFixed: true }
    const headers = { connections: CONNECTIONS, headers: FILE_HEADERS }
    await compareWarm(bench, wrk, { ...what, load: headers }, sides({ warren: wheels, rival: names }))
  },
)

/** Sends those on who leave the slash out, as public indexes do and proxpi needs. */
class Index extends ScriptedIndex {
  protected override find(request: LoggedRequest): Answer {
    return /^\/simple\/[^/]+$/.test(request.path) ? redirect(`${request.path}/`) : super.find(request)
  }
}

/** An index of two projects: one with so many files, one with wheels of 16 KiB. Wheels are random bytes: nobody unpacks them. */
async function startIndex(stack: AsyncDisposableStack, listed: number): Promise<ScriptedIndex> {
  const index = stack.adopt(await new Index().start(), (started) => started.stop())
  const packages = new Packages()
  const says = { 'requires-python': '>=3.8', 'upload-time': '2024-01-01T00:00:00.000000Z' }
  for (const [project, { versions, bytes }] of [
    [PAGE, { versions: listed, bytes: 100 }],
    [FILES, { versions: 64, bytes: BYTES }],
  ] as const) {
    const contents = packageOf(project, { versions, bytes })
    for (let version = 0; version < versions; version++) {
      const file = `${project}-1.0.${version}-py3-none-any.whl`
      index.add(project, { file, bytes: packages.archive(contents, version), says })
    }
  }
  return index
}

interface Page {
  /** Of it, unpacked. */
  readonly bytes: number
  readonly files: readonly { readonly filename: string; readonly url: string }[]
}

/** Undefined while it is not compressed. Rejects for anything but a page of the JSON API. */
async function pageOf(url: string): Promise<Page | undefined> {
  const reply = await fetch(url, { headers: PAGE_HEADERS })
  const text = await reply.text()
  if (reply.status !== 200 || reply.headers.get('content-type') !== JSON_TYPE)
    throw new Error(`${url} was answered ${reply.status} ${reply.headers.get('content-type')}: ${text.slice(0, 500)}`)
  return reply.headers.get('content-encoding') === 'gzip'
    ? { bytes: Buffer.byteLength(text), files: JSON.parse(text).files }
    : undefined
}
