import { describe, expect, it } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { serve } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { sha256 } from '../harness/scripted-pypi.ts'
import { nodeBeforeIndex, type PypiNode, pageOf, scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { useTempFolders } from '../harness/temp.ts'

const DAY = 86_400_000

useLeakCheck()
const temp = useTempFolders()

/** A node with a policy in front of an index with three versions of `thing`. */
async function nodeWith(settings: Partial<Config['policy']>, clock = new ShiftedClock()): Promise<PypiNode> {
  const index = await scriptedIndex()
  for (const [version, day] of [
    ['1.0', '2024-01-01'],
    ['1.5', '2024-02-01'],
    ['2.0', '2024-03-01'],
  ] as const)
    index.publish({ name: 'thing', version }, { 'upload-time': `${day}T00:00:00.000000Z` })
  const policy = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [], ...settings }
  return nodeBeforeIndex(temp, { index, overrides: { clock }, config: { policy } })
}

const versionsIn = (page: string) => ['1.0', '1.5', '2.0'].filter((version) => page.includes(`thing-${version}-`))

describe('a version that a policy denies', () => {
  it('is on the page in no form, and neither it nor its metadata are given out or asked for', async () => {
    const node = await nodeWith({ deny: ['pkg:pypi/Thing@>=2.0'] })
    for (const accept of ['application/vnd.pypi.simple.v1+json', 'text/html'])
      expect(versionsIn((await pageOf(node, 'thing', accept)).reply.body.toString())).toEqual(['1.0', '1.5'])
    node.index.form = 'html'
    const wheel = [...(node.index.projects.get('thing')?.values() ?? [])].find(({ file }) => file.includes('-2.0-'))
    for (const ending of ['', '.metadata', '.asc']) {
      const reply = await exchange(`${node.url}/pypi/files/thing/${'0'.repeat(64)}/${wheel?.file}${ending}`)
      expect([reply.status, reply.headers['content-type']]).toEqual([403, 'text/plain; charset=utf-8'])
      expect(reply.body.toString()).toMatch(/^[^\n]*pkg:pypi\/thing[^\n]*\n$/i)
    }
    expect(node.index.tally.kind('file').requests + node.index.tally.kind('metadata').requests).toBe(0)
  })

  it('is on no page of an index that knows HTML only', async () => {
    const node = await nodeWith({ deny: ['pkg:pypi/thing@<1.5'] })
    node.index.form = 'html'
    const { reply } = await pageOf(node, 'thing')
    expect([reply.headers['content-type'], versionsIn(reply.body.toString())]).toEqual([
      'text/html; charset=utf-8',
      ['1.5', '2.0'],
    ])
  })
})

describe('the older API', () => {
  const document = (version: string) =>
    JSON.stringify({ info: { name: 'thing', version }, releases: { '1.0': [], '1.5': [], '2.0': [] }, urls: [] })

  it('tells nothing of what a policy denies, and asks nobody for it', async () => {
    const node = await nodeWith({ deny: ['pkg:pypi/evil', 'pkg:pypi/thing@>=2.0'] })
    node.index.fail(/^\/pypi\/thing\/json$/, instead(serve(document('1.5'))))
    node.index.fail(/^\/pypi\/thing\/1\.0\/json$/, instead(serve(document('2.0'))))
    const ask = (path: string) => exchange(`${node.url}/pypi/pypi/${path}`)
    for (const path of ['evil/json', 'Evil/1.0/json', 'thing/2.0/json']) expect((await ask(path)).status).toBe(403)
    expect(node.index.tally.total.requests).toBe(0)
    const { status, headers, body } = await ask('thing/json')
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(Object.keys(JSON.parse(body.toString()).releases)).toEqual(['1.0', '1.5'])
    expect((await ask('thing/1.0/json')).status).toBe(503)
  })

  it('is refused where the newest version is, since all that it tells is of that', async () => {
    const node = await nodeWith({ deny: ['pkg:pypi/thing@>=2.0'] })
    node.index.fail(/^\/pypi\/thing\/json$/, instead(serve(document('2.0'))))
    expect((await exchange(`${node.url}/pypi/pypi/thing/json`)).status).toBe(403)
  })
})

describe('a version that is too young', () => {
  it('is neither offered nor given out until it is of age, by the time of its upload', async () => {
    const clock = new ShiftedClock()
    clock.shift = Date.UTC(2024, 2, 3) - clock.now()
    const node = await nodeWith({ minimumAge: { pypi: 7 * DAY } }, clock)
    const offered = async () => versionsIn((await pageOf(node, 'thing')).reply.body.toString())
    expect(await offered()).toEqual(['1.0', '1.5'])
    const [, , young] = node.index.projects.get('thing')?.values() ?? []
    if (!young) throw new Error('there is no third file')
    const digest = sha256(young.bytes)
    const url = `${node.url}/pypi/files/thing/${digest}/${young.file}`
    expect((await exchange(url)).status).toBe(403)
    clock.pass(6 * DAY)
    expect(await offered()).toEqual(['1.0', '1.5', '2.0'])
    expect((await exchange(url)).body.equals(young.bytes)).toBe(true)
  })
})
