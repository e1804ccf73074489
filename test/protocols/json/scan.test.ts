import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listOf, scan, shape, textOf } from '../../../protocols/json/scan.ts'
import { own } from '../npm/fixtures.ts'

const VALUE = shape()
const NAMES = ['a', 'b', '__proto__', 'constructor', 'versions']

function accepts(bytes: Buffer, wanted = VALUE): boolean {
  try {
    scan(bytes, wanted)
    return true
  } catch {
    return false
  }
}

function parses(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return isUtf8(bytes)
  } catch {
    return false
  }
}

describe('a JSON text', () => {
  test.each([
    ['null'],
    ['-0.5e+10'],
    [' \t\r\n{"a" : [1 , true,false , null , {} , [] , ""]}\n'],
    ['"\\u00e9\\ud800\\"\\\\\\/\\b\\f\\n\\r\\t é 😀"'],
    ['{"a":1,"a":2}'],
    [''],
    [' '],
    ['\ufeff{}'],
    ['{'],
    ['{"a"'],
    ['{"a":'],
    ['{"a":1'],
    ['{"a":1,'],
    ['{"a":1,}'],
    ['{a:1}'],
    ["{'a':1}"],
    ['[1,]'],
    ['[1 2]'],
    ['[1}'],
    ['{"a":1]'],
    ['{}{}'],
    ['{} x'],
    ['01'],
    ['1.'],
    ['.5'],
    ['+1'],
    ['1e'],
    ['-'],
    ['NaN'],
    ['tru'],
    ['truey'],
    ['nul'],
    ['"\\x"'],
    ['"\\u12g4"'],
    ['"\\u123'],
    ['"\\u123g"'],
    ['"\n"'],
    ['"\u0000"'],
    ['"abc'],
    ['"abc\\'],
    ['<!doctype html>'],
    ['/* */ {}'],
    ['\u00a0{}'],
    ['{"a":1}\u0000'],
  ])('%j is accepted exactly when JSON.parse accepts it', (text) => {
    const bytes = Buffer.from(text)
    expect(accepts(bytes)).toBe(parses(bytes))
    expect(accepts(bytes, shape({ a: shape({}, VALUE) }))).toBe(parses(bytes))
  })

  test('is accepted exactly when JSON.parse accepts it: random texts and damaged ones', () => {
    const wanted = shape({ a: shape({}, VALUE), b: shape({ a: VALUE }) }, shape({ b: VALUE }))
    const soup = fc
      .array(
        fc.constantFrom(...'{}[]:,"\\ \n0123456789.eE+-tfn', 'true', 'false', 'null', '"a"', '\\u00', '\\n', 'é', '{"a":'),
        { maxLength: 14 },
      )
      .map((parts) => Buffer.from(parts.join('')))
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('drop', 'cut', 'put'), fc.nat(255))
      .map(([text, at, how, byte]) => {
        const bytes = Buffer.from(text)
        const place = at % (bytes.length + 1)
        if (how === 'cut') return bytes.subarray(0, place)
        const rest = bytes.subarray(place + (how === 'drop' ? 1 : 0))
        return Buffer.concat([bytes.subarray(0, place), Buffer.from(how === 'put' ? [byte] : []), rest])
      })
    const whole = fc.json().map((text) => Buffer.from(text))
    let good = 0
    fc.assert(
      fc.property(fc.oneof(soup, damaged, whole), (bytes) => {
        const right = parses(bytes)
        if (right) good++
        expect(accepts(bytes)).toBe(right)
        expect(accepts(bytes, wanted)).toBe(right)
        expect(accepts(bytes, listOf(listOf(wanted)))).toBe(right)
      }),
      { numRuns: 20_000 },
    )
    expect(good).toBeGreaterThan(2000)
  })

  test.each([['ff'], ['c080'], ['eda080'], ['f8888080'], ['c3']])('with the bytes %s in a string is no UTF-8', (hex) => {
    expect(accepts(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(hex, 'hex'), Buffer.from('"}')]))).toBe(false)
  })

  test('may nest a million deep without using up the stack', () => {
    const depth = 1_000_000
    expect(accepts(Buffer.from('['.repeat(depth)))).toBe(false)
    expect(accepts(Buffer.from('{"a":'.repeat(depth)), shape({ a: shape({ a: VALUE }) }))).toBe(false)
    expect(accepts(Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`))).toBe(true)
    expect(accepts(Buffer.from(`{"b":${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}}`), shape({ a: VALUE }))).toBe(true)
  })

  test('is refused when more values are wanted from it than any package has', () => {
    const many = Buffer.from(`{${Array.from({ length: 500_001 }, (_, i) => `"${i}":0`).join(',')}}`)
    expect(() => scan(many, shape({}, VALUE))).toThrow(/more than 500000 values/)
    expect(accepts(many, shape({ a: VALUE }))).toBe(true)
  })
})

describe('the wanted values', () => {
  /** Writes JSON by hand: members may repeat, and any character of a string may be an escape. */
  const letters = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary', maxLength: 6 }))
  const written = fc.tuple(letters, fc.infiniteStream(fc.boolean())).map(([text, escaped]) => {
    const units = [...text].map((character) => {
      const asEscape = escaped.next().value === true || !character.isWellFormed()
      return asEscape
        ? [...Array(character.length).keys()].map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
        : JSON.stringify(character).slice(1, -1)
    })
    return `"${units.join('')}"`
  })
  const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: 'large' },
      written,
      fc.constantFrom('1', 'null', 'true', '[]', '{}', '["x",{"a":"b"}]'),
      tie('object'),
      tie('object'),
    ),
    object: fc
      .tuple(fc.array(fc.tuple(written, tie('value')), { maxLength: 6 }), fc.constantFrom('', ' ', '\n\t'))
      .map(
        ([members, space]) =>
          `{${members.map(([name, inner]) => `${space}${name}${space}:${space}${inner}`).join(`${space},`)}${space}}`,
      ),
  }))

  test('are those that JSON.parse finds, repeated members, escapes and prototype names included', () => {
    const each = shape({}, shape({}, VALUE))
    const wanted = shape({ a: VALUE, versions: each, ['__proto__']: each, constructor: shape({ a: VALUE, b: VALUE }) })
    let found = 0
    fc.assert(
      fc.property(value, (text) => {
        const bytes = Buffer.from(text)
        const parsed: unknown = JSON.parse(text)
        const root = scan(bytes, wanted)
        const check = (names: string[], at = root): void => {
          const right = own(parsed, ...names)
          if (typeof right !== 'string') expect(textOf(bytes, at)).toBeUndefined()
          else {
            found++
            expect(textOf(bytes, at)).toBe(right)
            expect(bytes[at.start - 1]).toBe(0x22)
            expect(bytes[at.end]).toBe(0x22)
          }
          for (const [name, inner] of at.members) check([...names, name], inner)
        }
        check([])
        const names =
          typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? Object.getOwnPropertyNames(parsed) : []
        expect([...root.members.keys()].sort()).toEqual(
          names.filter((name) => wanted.members.some((member) => member.name === name)).sort(),
        )
      }),
      { numRuns: 5000, seed: 20_261_124 },
    )
    expect(found).toBeGreaterThan(500)
  })

  test('of a repeated member are the last one, of whatever type', () => {
    const bytes = Buffer.from('{"a":{"b":"1"},"\\u0061":{"b":"2"},"c":"3","c":4}')
    const root = scan(bytes, shape({ a: shape({ b: VALUE }), c: VALUE }))
    expect(textOf(bytes, root.members.get('a')?.members.get('b'))).toBe('2')
    expect(textOf(bytes, root.members.get('c'))).toBeUndefined()
  })

  test('are not looked for in strings, arrays or deeper objects', () => {
    const bytes = Buffer.from('{"x":{"a":"no"},"y":["a",{"a":"no"}],"z":"\\"a\\":\\"no\\"","a":"yes"}')
    expect(textOf(bytes, scan(bytes, shape({ a: VALUE })).members.get('a'))).toBe('yes')
  })

  test('of an array are all its items, whatever they are', () => {
    const bytes = Buffer.from(
      '{"files":[ {"name":"a"} , "b",[],{"name":"c","other":[{"name":"no"}]} ],"none":[],"no":{"0":"x"}}',
    )
    const items = listOf(shape({ name: VALUE }))
    const { members } = scan(bytes, shape({ files: items, none: items, no: items }))
    const found = members.get('files')?.items ?? []
    expect(found.map(({ type }) => type)).toEqual(['object', 'string', 'array', 'object'])
    expect(found.map((item) => textOf(bytes, item.members.get('name')))).toEqual(['a', undefined, undefined, 'c'])
    expect(textOf(bytes, found[1])).toBe('b')
    expect([members.get('none')?.items, members.get('no')?.items]).toEqual([[], []])
  })
})
