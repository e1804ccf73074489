import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

const folders = useTempFolders()

test.for([
  [undefined, (url: string) => `${url}/corp/`],
  ['https://cache.test/warren/', () => 'https://cache.test/warren/corp/'],
] as const)(
  'mirrors that are taken over while a node runs are told with their address (publicUrl %s)',
  async ([publicUrl, at]) => {
    const lines: Record<string, unknown>[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
    const upstream = 'http://127.0.0.1:1/'
    const config = { ...(publicUrl !== undefined && { publicUrl }) }
    const { node, url } = await startNode({ data: folders.create('data'), upstream, config, overrides: { log } })
    node.applyMirrors([{ name: 'corp', protocol: 'npm', path: '/corp/', upstreams: [upstream], local: false }])
    const told = lines.find(({ msg }) => msg === 'mirrors changed')
    expect(told?.mirrors).toEqual({ corp: at(url) })
  },
)
