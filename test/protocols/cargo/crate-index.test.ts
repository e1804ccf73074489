import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { crateIndexParser, crateOffers, parse } from '../../../protocols/cargo/crate-index.ts'
import { crateFacts, findRelease } from '../../../protocols/cargo/facts.ts'
import { fileOf, line, sumOf } from './lines.ts'

const NEWER = line('MyCrate', '1.1.0', { pubtime: '2025-03-01T10:00:00Z' })
const FILE = fileOf(line('MyCrate', '1.0.0'), NEWER, line('MyCrate', '1.1.0+b.2', { yanked: true }))

describe('an index file', () => {
  test('tells the checksum of each version, yanked ones too, and stays as it is', () => {
    const { facts, spans } = parse(FILE)
    expect(spans).toEqual([])
    expect(facts.name).toBe('MyCrate')
    expect(findRelease(facts, '1.0.0')).toEqual({ sha256: sumOf('1.0.0') })
    expect(findRelease(facts, '1.1.0')).toEqual({ sha256: sumOf('1.1.0'), published: Date.UTC(2025, 2, 1, 10) })
    expect(findRelease(facts, '1.1.0+b.2')).toEqual({ sha256: sumOf('1.1.0+b.2') })
    expect(findRelease(facts, '1.0')).toBeUndefined()
    expect(findRelease(facts, '')).toBeUndefined()
  })

  test('is recognised as that of a crate in whatever case, and as no other’s', () => {
    const { facts } = parse(FILE)
    expect(crateFacts(facts, 'mycrate')).toBe(facts)
    expect(crateFacts(facts, 'MYCRATE')).toBe(facts)
    for (const name of ['my-crate', 'mycrate2', '']) expect(crateFacts(facts, name)).toBeUndefined()
    for (const odd of [undefined, null, {}, { name: 'mycrate' }, 'mycrate']) expect(crateFacts(odd, 'mycrate')).toBeUndefined()
  })

  test.each([
    ['an end without a newline', Buffer.concat([FILE.subarray(0, FILE.length - 1)])],
    ['empty lines', Buffer.from(`\n\n${FILE}\n`)],
    ['blank lines', Buffer.from(`\r\n${FILE} \t\r\n \r\n`)],
    ['lines with a carriage return', Buffer.from(FILE.toString().replaceAll('\n', '\r\n'))],
    ['a line of a later format', fileOf('{"v":99,"what":1}', ...FILE.toString().trim().split('\n'))],
    ['a line that is broken', fileOf('{"name":"MyCrate","ve', ...FILE.toString().trim().split('\n'))],
    ['a version without a checksum', fileOf(line('MyCrate', '2.0.0', { cksum: null }), ...FILE.toString().trim().split('\n'))],
    ['a version that is none', fileOf(line('MyCrate', '2.0.0\\t'), ...FILE.toString().trim().split('\n'))],
  ])('may have %s', (_what, bytes) => {
    expect(parse(bytes).facts).toEqual(parse(FILE).facts)
  })

  test.each([
    ['nothing', '', /no line of it/],
    ['empty lines only', '\n\n', /no line of it/],
    ['a web page', '<!doctype html>\n<title>Sign in</title>\n', /no line of it/],
    ['an empty object', '{}', /no line of it/],
    ['an error', '{"errors":[{"detail":"no"}]}', /no line of it/],
    ['a name that is none', line('../evil', '1.0.0'), /no line of it/],
    ['two crates', `${line('one', '1.0.0')}\n${line('two', '1.0.0')}\n`, /both «one» and «two»/],
    ['half a last line', FILE.subarray(0, FILE.length - 20).toString(), /ends amid a line/],
  ])('is not %s', (_what, text, why) => {
    expect(() => parse(Buffer.from(text))).toThrow(why)
  })

  test.each(['{"v":9,"what":"nobody knows yet"}', 'not json'])('may end in a line that nobody can read: %j', (last) => {
    const bytes = fileOf(line('MyCrate', '1.0.0'), last)
    expect(findRelease(parse(bytes).facts, '1.0.0')).toEqual({ sha256: sumOf('1.0.0') })
    expect(() => parse(bytes.subarray(0, -1))).toThrow(/ends amid a line/)
  })

  test('is none with a line that would take far more memory than anybody’s line needs', () => {
    const deps = Array.from({ length: 400_000 }, () => ({}))
    expect(() => parse(fileOf(line('MyCrate', '1.0.0', { deps })))).toThrow(/line of more than 1048576 bytes/)
  })

  test('takes memory for one line at a time, however many are full of objects', async () => {
    const deps = Array.from({ length: 330_000 }, () => ({}))
    const bytes = fileOf(...Array.from({ length: 15 }, (_, i) => line('MyCrate', `${i}.0.0`, { deps })))
    const code = `
      const { parentPort, workerData } = require('node:worker_threads')
      void import(workerData.module).then(({ parse }) => parentPort.postMessage(parse(Buffer.from(workerData.bytes)).facts.name))`
    const workerData = { module: crateIndexParser.module, bytes }
    const worker = new Worker(code, { eval: true, workerData, resourceLimits: { maxOldGenerationSizeMb: 128 } })
    const name = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await worker.terminate()
    expect(name).toBe('MyCrate')
  })

  test('has versions and names like any other, whatever they mean in JavaScript', () => {
    const { facts } = parse(fileOf(line('__proto__', '1.0.0'), line('__proto__', '2.0.0', { features: { __proto__: [] } })))
    expect(findRelease(facts, '2.0.0')).toEqual({ sha256: sumOf('2.0.0') })
    expect(findRelease(facts, 'constructor')).toBeUndefined()
  })

  test('tells facts that survive JSON', () => {
    expect(crateIndexParser.parse).toBe(parse)
    const { facts } = parse(FILE)
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts)
  })
})

describe('what an index file offers', () => {
  test('are all of its bytes, where nothing is refused', () => {
    expect(crateOffers.withhold(FILE, () => true)).toBe(FILE)
  })

  test('is without the lines that are refused, and byte for byte otherwise', () => {
    const asked: unknown[] = []
    const left = crateOffers.withhold(FILE, (version, published) => {
      asked.push([version, published])
      return version !== '1.0.0' && published === undefined
    })
    expect(asked).toEqual([
      ['1.0.0', undefined],
      ['1.1.0', Date.UTC(2025, 2, 1, 10)],
      ['1.1.0+b.2', undefined],
    ])
    expect(left.toString()).toBe(`${FILE.toString().split('\n')[2]}\n`)
  })

  test.each(['yesterday', '2025', '', 5, null, 'x2025-03-01T10:00:00Z', '2025-99-99T99:99:99Z'])(
    'is of no known age where the time is «%s»',
    (pubtime) => {
      const ages: unknown[] = []
      crateOffers.withhold(fileOf(line('a', '1.0.0', { pubtime })), (_version, published) => ages.push(published) > 0)
      expect(ages).toEqual([undefined])
    },
  )

  test('is asked about versions without a checksum as well', () => {
    const file = fileOf(line('a', '1.0.0', { cksum: 1 }))
    expect(crateOffers.withhold(file, () => false)).toHaveLength(0)
  })
})
