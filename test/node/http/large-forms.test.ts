import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Body, bufferBody, readAll } from '../../../node/body.ts'
import type { Found } from '../../../node/cache/found.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { Composer } from '../../../node/http/composer.ts'
import { isDocument, Renderings } from '../../../node/http/renderings.ts'
import { verdictsOf } from '../../../node/policy/verdicts.ts'
import type { Withholder } from '../../../node/policy/withholding.ts'
import { JOB_DEADLINE } from '../../../node/threads/job-threads.ts'
import type { Planned, Rendition } from '../../../protocols/protocol.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { eventually } from '../../harness/wait.ts'
import { here, lines, loud, parse, parser } from './forms.ts'

useLeakCheck()

const BASE = 'http://localhost:7470/m/'
const PLAN: Plan = {
  key: 'a',
  ecosystem: 'test',
  mirror: 'test',
  kind: 'mutable',
  url: 'https://registry.example.test/a',
  base: 'https://registry.example.test/',
  subject: { type: 'npm', name: 'a' },
  document: parser,
}
const WITHHELD: Planned = { plans: [PLAN], offers: lines }
const LARGE = `2.0.0\n1.0.0\n@ ${' '.repeat(200_000)}@\n`

function document(text: string): Found & { closed: boolean } {
  const bytes = Buffer.from(text)
  return {
    source: 'local',
    headers: {},
    body: {
      ...bufferBody(bytes),
      close() {
        this.closed = true
      },
    } as Body & { closed: boolean },
    get closed() {
      return (this.body as Body & { closed?: boolean }).closed === true
    },
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    document: parse(bytes),
  }
}

function denying(...deny: string[]): Withholder {
  const settings = { allow: [], deny, minimumAge: {}, minimumAgeExceptions: [] }
  return {
    of: (subject) => {
      const grounds = { settings, subject, now: 0 }
      return { id: deny.join(), grounds, verdicts: () => verdictsOf(grounds) }
    },
  }
}

function start(withholder: Withholder = denying('pkg:npm/a@<2')) {
  const clock = new VirtualClock()
  const composer = new Composer({ withholder, clock })
  onTestFinished(() => composer.close())
  Object.assign(here, { withheld: 0, rendered: 0 })
  const compose = (route: Planned, found: Found, signal?: AbortSignal) => composer.compose(route, [found], signal)
  return { composer, clock, compose }
}

/** The same for this thread only. */
function bound({ from: _, ...rendition }: Rendition): Rendition {
  return rendition
}

/** As it goes out to who calls this node so. */
function served(found: Found, base: string): Promise<Buffer> {
  return readAll(isDocument(found) ? new Renderings().of(found, () => base).body(found.body) : found.body)
}

describe.each([
  ['small', '2.0.0\n1.0.0\n@ @\n', 1],
  ['large', LARGE, 0],
])('a %s document that goes out in another form', (_, text, inThisThread) => {
  it('is made once for all who ask at the same time', async () => {
    const { compose } = start()
    const founds = Array.from({ length: 10 }, () => document(text))
    const route = { plans: [PLAN], rendition: loud('!') } as const
    const all = await Promise.all(founds.map((found) => compose(route, found)))
    expect([here.rendered, founds.every(({ closed }) => closed)]).toEqual([inThisThread, true])
    expect(new Set(all.map(({ body }) => body.bytes)).size).toBe(1)
    expect(new Set(all.map(({ document }) => document)).size).toBe(1)
    // Whoever calls this node by a thousand names is sent the same bytes, with each name put in while they go out.
    for (const base of [BASE, 'http://other/'])
      for (const found of all) expect(String(await served(found, base))).toBe(`${text.replaceAll('@', `${base}x`)}!`)
  })

  it('is looked through once by a policy, whatever the clients call this node', async () => {
    const { compose } = start()
    const all = await Promise.all(Array.from({ length: 5 }, () => compose(WITHHELD, document(text))))
    const later = await compose(WITHHELD, document(text))
    expect(new Set([...all, later].map(({ body }) => body.bytes)).size).toBe(1)
    expect(here.withheld).toBe(inThisThread)
    for (const found of all) {
      const bytes = await served(found, BASE)
      expect(bytes.toString()).toBe(text.replace('1.0.0\n', '').replaceAll('@', `${BASE}x`))
    }
  })

  it('is refused with the reason where nothing of it is left', async () => {
    const { compose } = start(denying('pkg:npm/a'))
    await expect(compose(WITHHELD, document(text))).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('is denied by the rule pkg:npm/a'),
    })
  })
})

describe('a large document', () => {
  it('that keeps its thread for ever is trouble, and those of other ecosystems do not wait for it', async () => {
    const { compose, clock } = start()
    const endless = document(`endless${LARGE}`)
    const failed = expect(compose({ plans: [PLAN], rendition: loud('!') }, endless)).rejects.toMatchObject({
      code: 'UPSTREAM_CORRUPT',
      message: 'the document cannot be given in this form: it took more than 10 s',
    })
    const other = new URL('./other-forms.ts', import.meta.url).href
    const offers = { ...lines, from: { module: other, exportName: 'lines' } }
    const found = await compose({ plans: [{ ...PLAN, ecosystem: 'other' }], offers }, document(LARGE))
    expect(String(await served(found, BASE))).toBe(LARGE.replace('1.0.0\n', '').replaceAll('@', `${BASE}x`))
    await eventually('its time to begin', () => clock.sleeping > 0)
    await clock.advance(JOB_DEADLINE)
    await failed
    expect(endless.closed).toBe(true)
  })

  it('is not made when all who wait for it have left', async () => {
    const { compose, clock } = start()
    const failed = expect(compose({ plans: [PLAN], rendition: loud('!') }, document(`endless${LARGE}`))).rejects.toThrow()
    const rendition = bound(loud('?'))
    const leaving = new AbortController()
    const found = document(LARGE)
    const left = expect(compose({ plans: [PLAN], rendition }, found, leaving.signal)).rejects.toThrow('gone')
    await eventually('the first one to begin', () => clock.sleeping > 0)
    leaving.abort(new Error('gone'))
    await left
    await clock.advance(JOB_DEADLINE)
    await failed
    await compose({ plans: [PLAN], rendition: loud('+') }, document(LARGE))
    expect([here.rendered, found.closed]).toEqual([0, true])
  })

  it('of more than 64 MiB is not read', async () => {
    const { compose } = start()
    const read = () => Promise.reject(new Error('nobody should'))
    const found = { ...document(''), body: { size: (64 << 20) + 1, read, close() {} } }
    await expect(compose(WITHHELD, found)).rejects.toMatchObject({
      code: 'UPSTREAM_CORRUPT',
      message: expect.stringContaining('67108864 at most'),
    })
  })
})

it('a result of many megabytes is remembered as well', async () => {
  const { compose } = start()
  const rendition = bound(loud('!'))
  const text = 'a'.repeat(40 << 20)
  const made = async () => (await compose({ plans: [PLAN], rendition }, document(text))).body.bytes
  const first = await made()
  expect((await made()) === first).toBe(true)
  expect(here.rendered).toBe(1)
})
