import { gunzipSync } from 'node:zlib'
import { get } from '../../harness/http.ts'
import { eventually } from '../../harness/wait.ts'
import { contestRow } from '../contest.ts'
import { figuresOf } from '../load.ts'
import { packageOf } from '../packages.ts'
import { Verdaccio } from '../rivals/verdaccio.ts'
import { Upstream } from '../upstream.ts'
import { Warren } from '../warren.ts'

const ROW = '3'
/** Few enough that a rival which answers ten a second finishes some in each round. */
const CONNECTIONS = 8
/** What `npm install` sends. */
const HEADERS = {
  accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*',
  'accept-encoding': 'gzip',
}

/** A warm document of 2 MB as `npm install` asks for it: compressed, and with the caller's own host in each of its URLs. */
export const packument = contestRow(
  ROW,
  (bench) => Verdaccio.install(bench),
  async ({ bench, stack, wrk, rival: verdaccio }) => {
    const document = packageOf('document', { bytes: 1000, versions: bench.smoke ? 20 : 2000, manifestBytes: 640 })
    const upstream = await Upstream.start(stack)
    const warren = await Warren.start(stack, upstream)
    const target = await verdaccio.start(stack, upstream, bench.signal)
    const paths = [`/${document.name}`]
    // A node sends a document plain until its compressed form is made.
    const size = await eventually('the node sends it compressed', () => rewritten(warren.url + paths[0], document.versions))
    const rivals = await eventually('Verdaccio sends it compressed', () => rewritten(target.url + paths[0], document.versions))
    bench.say(`the document has ${size} bytes from Warren and ${rivals} from Verdaccio`)

    const contenders = { warren: { target: warren, paths }, Verdaccio: { target, paths } }
    const measured = await wrk.compare(bench, contenders, { connections: CONNECTIONS, headers: HEADERS })
    const work = `warm packument of ${(size / 1e6).toFixed(1)} MB, gzip, rewritten`
    for (const figure of figuresOf({ row: ROW, work, unit: 'requests/s' }, measured, { Verdaccio: { atLeast: 50 } })) {
      bench.report(figure)
    }
  },
)

/** Bytes of the unpacked document; undefined while it is not compressed. Rejects when a URL in it leads elsewhere. */
async function rewritten(url: string, versions: number): Promise<number | undefined> {
  const { status, headers, body } = await get(url, HEADERS)
  if (status !== 200) throw new Error(`${url} was answered ${status}`)
  if (headers['content-encoding'] !== 'gzip') return undefined
  const text = gunzipSync(body).toString()
  const tarballs = [...text.matchAll(/"tarball":\s*"([^"]*)"/g)]
  const strange = tarballs.find(([, tarball]) => !tarball?.startsWith(`${url}/-/`))
  if (strange) throw new Error(`${url} names ${strange[1]}, which is not below it`)
  if (tarballs.length !== versions) throw new Error(`${url} names ${tarballs.length} of ${versions} versions`)
  return text.length
}
