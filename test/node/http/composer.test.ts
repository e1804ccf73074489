import { describe, expect, it } from 'vitest'
import { bufferBody, readAll } from '../../../node/body.ts'
import type { Found } from '../../../node/cache/found.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { Composer } from '../../../node/http/composer.ts'
import { isDocument, Renderings } from '../../../node/http/renderings.ts'
import type { Withholding } from '../../../node/policy/withholding.ts'
import type { Offers, Planned, Rendition } from '../../../protocols/protocol.ts'

const BASE = 'http://localhost:7470/m/'
const PLAN: Plan = {
  key: 'a',
  ecosystem: 'test',
  mirror: 'test',
  kind: 'mutable',
  url: 'https://registry.example.test/a',
  base: 'https://registry.example.test/',
  subject: { type: 'test', name: 'a' },
}

/** A document whose first byte is where the base URL goes. */
function document(text: string, more: Partial<Found> = {}): Found {
  return {
    source: 'local',
    headers: { 'content-type': 'text/plain', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    body: bufferBody(Buffer.from(`@${text}`)),
    digest: `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0')}`,
    age: 1,
    document: { spans: [[0, 1, '']], facts: undefined },
    ...more,
  }
}

/** Counts how often it is asked. */
function joining(): Rendition & { made: number } {
  return {
    made: 0,
    id: 'join',
    headers: { 'content-type': 'text/html' },
    render(documents) {
      this.made++
      return Buffer.from(documents.map(String).join('+'))
    },
  }
}

/** Takes away the letters that are refused. */
const letters: Offers = {
  id: 'letters',
  withhold(bytes, allows) {
    return Buffer.from([...String(bytes)].filter((letter) => !/[a-z]/.test(letter) || allows(letter, undefined)).join(''))
  },
}

const nobody = new Composer({ withholder: { of: () => undefined } })
const refusing = (letter: string, id = letter): Withholding => ({
  id,
  verdicts: () => ({ allows: (version) => version !== letter, settle() {} }),
})
/** As it goes out to who calls this node so. */
async function text(found: Found, base = BASE): Promise<string> {
  return String(await readAll(isDocument(found) ? new Renderings().of(found, () => base).body(found.body) : found.body))
}

describe('a document that goes out in another form', () => {
  it('is what the rendition makes of it, the caller’s base URL put in', async () => {
    const route: Planned = { plans: [PLAN], rendition: joining() }
    expect(nobody.concerns(route)).toBe(true)
    const found = await nobody.compose(route, [document('one')])
    expect([await text(found), found.headers, found.source, found.age]).toEqual([
      `${BASE}one`,
      { 'content-type': 'text/html' },
      'local',
      1,
    ])
  })

  it('is made of several, and as recent as the most recently asked of them', async () => {
    const route: Planned = { plans: [PLAN, PLAN], rendition: joining(), all: true }
    const founds = [document('one', { source: 'stale', age: 90 }), document('two', { source: 'upstream', age: 0 })]
    const found = await nobody.compose(route, founds)
    expect([await text(found), found.source, found.age]).toEqual([`${BASE}one+${BASE}two`, 'upstream', 90])
  })

  it('is made once for the same bytes, whatever the base URL, and anew for others or another rendition', async () => {
    const composer = new Composer({ withholder: { of: () => undefined } })
    const rendition = joining()
    const route: Planned = { plans: [PLAN], rendition }
    const first = await composer.compose(route, [document('one')])
    const again = await composer.compose(route, [document('one')])
    expect([again.digest, rendition.made]).toEqual([first.digest, 1])
    await composer.compose(route, [document('two')])
    expect([await text(again), await text(again, 'http://other/')]).toEqual([`${BASE}one`, 'http://other/one'])
    await composer.compose({ plans: [PLAN], rendition: Object.assign(rendition, { id: 'other' }) }, [document('one')])
    expect(rendition.made).toBe(3)
  })

  it('is not remembered where nothing names its bytes', async () => {
    const rendition = joining()
    const composer = new Composer({ withholder: { of: () => undefined } })
    const unnamed = () => [document('one', { digest: undefined, document: { spans: [], facts: undefined } })].map(bare)
    await composer.compose({ plans: [PLAN], rendition }, unnamed())
    await composer.compose({ plans: [PLAN], rendition }, unnamed())
    expect(rendition.made).toBe(2)
  })

  it('is trouble when it cannot be read, and what was found is closed', async () => {
    let closed = 0
    const body = { ...bufferBody(Buffer.from('x')), close: () => void closed++ }
    const rendition: Rendition = {
      id: 'x',
      headers: {},
      render: () => {
        throw new SyntaxError('no such form')
      },
    }
    await expect(nobody.compose({ plans: [PLAN], rendition }, [document('x', { body })])).rejects.toMatchObject({
      code: 'UPSTREAM_CORRUPT',
      message: 'the document cannot be given in this form: no such form',
    })
    expect(closed).toBe(1)
  })
})

describe('a document from which a policy withholds something', () => {
  it('goes out as it is where no rule concerns the package', () => {
    expect(nobody.concerns({ plans: [PLAN], offers: letters })).toBe(false)
  })

  it('goes out without what the policy refuses, and anew when the verdicts change', async () => {
    let withholding = refusing('a')
    const composer = new Composer({ withholder: { of: () => withholding } })
    const route: Planned = { plans: [PLAN], offers: letters }
    const serve = async () => text(await composer.compose(route, [document('abc', { document: noSpans })]))
    expect(composer.concerns(route)).toBe(true)
    expect(await serve()).toBe('@bc')
    withholding = refusing('b')
    expect(await serve()).toBe('@ac')
  })

  it('is rendered after that', async () => {
    const composer = new Composer({ withholder: { of: () => refusing('c') } })
    const found = await composer.compose({ plans: [PLAN], offers: letters, rendition: joining() }, [
      document('abc', { document: noSpans }),
    ])
    expect(await text(found)).toBe('@ab')
  })
})

const noSpans = { spans: [], facts: undefined }

/** Without its parsed form. */
function bare({ document: _, ...found }: Found): Found {
  return found
}
