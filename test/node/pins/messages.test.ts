import { describe, expect, it } from 'vitest'
import { isWarrenError } from '../../../node/errors.ts'
import { BATCH_PINS } from '../../../node/pins/constants.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { keep, keyOf, SeedNet } from './fixture.ts'

useLeakCheck()

const CASES = 6_000

const RECORD = {
  v: 1,
  blob: 'ab'.repeat(32),
  size: 10,
  headers: { 'content-type': 'text/plain' },
  fetchedAt: 1,
  checkedAt: 1,
  freshFor: null,
  verified: [`sha256:${'ab'.repeat(32)}`],
}
const ODD: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  0.5,
  1e300,
  2 ** 53,
  '',
  'x',
  '\0',
  '../../etc/passwd',
  'AB'.repeat(32),
  `${'ab'.repeat(32)}\n`,
  'a\r\nset-cookie: b',
  'x'.repeat(40_000),
  [],
  [[]],
  {},
  { length: 2 },
  { __proto__: null, v: 1 },
  Array.from({ length: 100 }, (_, at) => at),
  Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, 'y'])),
]

describe('questions about pins', () => {
  it('are refused by the thousand when they are malformed, and change nothing', async () => {
    const net = new SeedNet({ replicas: 2 })
    const [seed, other] = [net.join('seed'), net.join('other')]
    await keep(seed.store, keyOf('a'), Buffer.from('mine'))
    const before = seed.store.records.get(keyOf('a'))
    const random = new Random(20_261_129)
    const odd = () => ODD[random.between(0, ODD.length - 1)]
    const asker = { peer: other.id, role: 'seed' } as const
    const answers = new Map<string, number>()
    const count = (what: string) => void answers.set(what, (answers.get(what) ?? 0) + 1)
    for (let round = 0; round < CASES; round++) {
      const path = round % 2 === 0 ? '/pins/v1/records' : '/pins/v1/holds'
      const body = malformed(path, random, odd)
      try {
        await seed.desk.at('POST', path, asker)(body)
        throw new Error(`it takes ${body.toString().slice(0, 500)}`)
      } catch (error) {
        if (!isWarrenError(error, 'BAD_REQUEST')) throw error
        count(error.code)
        // What is in a question is nobody's to read in a log.
        expect(error.message.length).toBeLessThan(200)
      }
    }
    expect(answers).toEqual(new Map([['BAD_REQUEST', CASES]]))
    await net.clock.advance(60_000)
    expect(seed.store.records.get(keyOf('a'))).toEqual(before)
    expect(await seed.store.status()).toMatchObject({ records: 1, blobs: 1 })
    await net.stop()
  })

  it('are those of a seed, at their place, by their method', async () => {
    const net = new SeedNet({ replicas: 2 })
    const [seed, member] = [net.join('seed'), net.join('member', undefined, 'member')]
    const code = (method: string, path: string, role: 'seed' | 'member' = 'seed', of = seed) => {
      try {
        of.desk.at(method, path, { peer: 'x', role })
        return 'answered'
      } catch (error) {
        return isWarrenError(error) ? error.code : error
      }
    }
    expect(code('GET', '/pins/v1/summary', 'member')).toBe('answered')
    expect(code('POST', '/pins/v1/summary')).toBe('METHOD_NOT_ALLOWED')
    for (const path of ['/pins/v1/holds', '/pins/v1/records']) {
      expect(code('POST', path)).toBe('answered')
      expect(code('POST', path, 'member')).toBe('UNTRUSTED')
      expect(code('GET', path, 'member')).toBe('UNTRUSTED')
      expect(code('GET', path)).toBe('METHOD_NOT_ALLOWED')
      expect(code('POST', path, 'seed', member)).toBe('NO_SUCH_MIRROR')
    }
    for (const path of ['/pins/v1/', '/pins/v1/holds/', '/pins/v1/holds?x', '/pins/v1/Holds', '/pins/v1/%68olds'])
      expect(code('POST', path)).toBe('NO_SUCH_MIRROR')
    await net.stop()
  })

  it('keep neither the mark of a link nor that of a login out of sight', async () => {
    const net = new SeedNet({ replicas: 2 })
    const [seed] = [net.join('seed'), net.join('other')]
    const reply = seed.desk.at('POST', '/pins/v1/records', { peer: 'other', role: 'seed' })
    for (const mark of ['link', 'private']) {
      const pins = [{ key: keyOf('a'), record: { ...RECORD, [mark]: true } }]
      await expect(async () => reply(Buffer.from(JSON.stringify({ v: 1, pins })))).rejects.toThrow('malformed')
    }
    await net.stop()
  })
})

/** A question that nobody who means well asks: a good one with one thing in it that is wrong. */
function malformed(path: string, random: Random, odd: () => unknown): Buffer {
  const kind = random.between(0, 9)
  if (kind === 0) return random.bytes(random.between(0, 300))
  const key = keyOf(`package${random.between(0, 9)}`)
  const good = path.endsWith('holds') ? { v: 1, keys: [key] } : { v: 1, pins: [{ key, record: RECORD }] }
  const text = JSON.stringify(good)
  if (kind === 1) return Buffer.from(text.slice(0, random.between(0, text.length - 1)))
  if (kind === 2) return Buffer.from(JSON.stringify({ ...good, v: [undefined, 0, 2, '1', null][random.between(0, 4)] }))
  if (path.endsWith('holds')) {
    const keys = [[], Array.from({ length: BATCH_PINS + 1 }, () => key), odd(), [odd()], [key, odd()]][random.between(0, 4)]
    return Buffer.from(JSON.stringify({ v: 1, keys: isGoodKeys(keys) ? [1] : keys }))
  }
  if (kind === 3) return Buffer.from(JSON.stringify({ v: 1, pins: Array.from({ length: BATCH_PINS + 1 }, () => good) }))
  if (kind === 4) return Buffer.from(JSON.stringify({ v: 1, pins: [{ key: odd(), record: RECORD }] }))
  const fields = ['v', 'blob', 'size', 'headers', 'fetchedAt', 'checkedAt', 'freshFor', 'verified', 'link', 'private'] as const
  const field = fields[random.between(0, fields.length - 1)] ?? 'v'
  const value = odd()
  const isGood = isGoodField(field, value)
  return Buffer.from(JSON.stringify({ v: 1, pins: [{ key, record: { ...RECORD, [field]: isGood ? [1] : value } }] }))
}

function isGoodKeys(keys: unknown): boolean {
  return Array.isArray(keys) && keys.length > 0 && keys.every((one) => typeof one === 'string' && one.startsWith('npm\n'))
}

/** Whether an odd value is none for that field. */
function isGoodField(field: string, value: unknown): boolean {
  if (value === undefined) return field === 'link' || field === 'private' || field === 'freshFor'
  if (field === 'headers')
    return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  if (field === 'freshFor') return value === null || (typeof value === 'number' && value >= 0)
  return field === 'verified' && Array.isArray(value) && value.length === 0
}
