import { apiOf } from '../../harness/api.ts'
import { get } from '../../harness/http.ts'
import { startNodeProcess } from '../../harness/node.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { artifactPath, fillStore } from '../full-store.ts'

const ROW = '16'
/** Ms within which no client may have anything of it (issue «Run it»). */
const GOAL = 1_000
/** Nobody is asked there: what is not held is not to be had. */
const BASE = 'http://127.0.0.1:1/'
/** Artifacts that are asked for, spread over all. */
const ASKED = 50

/** A node with many artifacts that is told to forget them all; it removes their files behind that. */
export const reset: Row = {
  name: ROW,
  async run(bench) {
    const blobs = bench.smoke ? 2_000 : 100_000
    const values: Values = { answered: [], empty: [] }
    for (let round = 0; round < bench.rounds; round++) {
      await using stack = new AsyncDisposableStack()
      const data = tempFolder(stack, 'reset')
      bench.say(`making a store of ${blobs} blobs`)
      await fillStore({ data, base: BASE, blobs }, bench.signal)
      const npm = { protocol: 'npm', path: '/npm/', upstreams: [BASE] }
      const node = await startNodeProcess({ data, config: { mirrors: { npm }, store: { minFree: '1GiB' } } })
      stack.defer(() => node.stop())
      const urls = Array.from({ length: ASKED }, (_, at) => `${node.url}/npm${artifactPath(Math.floor((at * blobs) / ASKED))}`)
      const held = async () => (await Promise.all(urls.map((url) => get(url)))).filter(({ status }) => status === 200).length
      if ((await held()) !== ASKED) throw new Error('not all is served that is held')
      const api = apiOf(node.admin, data)
      const began = performance.now()
      const { status, body } = await api('POST', 'purges', { scopes: [{ kind: 'all' }] })
      if (status !== 202) throw new Error(`a reset was answered ${status}: ${body.detail}`)
      values.answered.push(performance.now() - began)
      while ((await held()) > 0) bench.signal.throwIfAborted()
      values.empty.push(performance.now() - began)
    }
    report(bench, blobs, values)
  },
}

type Values = Record<'answered' | 'empty', number[]>

function report(bench: Bench, blobs: number, { answered, empty }: Values): void {
  const shared = { row: ROW, unit: 'ms', compared: 'value' } as const
  const work = `a reset of ${blobs} artifacts`
  bench.report({ ...shared, work: `${work}: answered`, warren: answered })
  bench.report({ ...shared, work: `${work}: clients have nothing of ${ASKED}`, goal: { atMost: GOAL }, warren: empty })
}
