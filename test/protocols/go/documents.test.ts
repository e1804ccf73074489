import { describe, expect, it } from 'vitest'
import type { DocumentParser } from '../../../node/cache/plan.ts'
import * as head from '../../../protocols/go/head.ts'
import * as info from '../../../protocols/go/info.ts'
import * as list from '../../../protocols/go/list.ts'
import * as modFile from '../../../protocols/go/mod-file.ts'
import { isSignedBy, parseNote, parseVerifier } from '../../../protocols/go/note.ts'
import { infoOffers, listOffers } from '../../../protocols/go/offers.ts'
import * as record from '../../../protocols/go/record.ts'
import * as supported from '../../../protocols/go/supported.ts'
import * as tile from '../../../protocols/go/tile.ts'
import { captivePortal } from '../../harness/answer.ts'
import { GoSigner } from '../../harness/scripted-go-log.ts'
import { lines, logWith } from './fixtures.ts'

const { headParser } = head
const { infoParser } = info
const { listParser } = list
const { modFileParser } = modFile
const { checksumIn, recordParser } = record
const { supportedParser } = supported
const { dataTileParser, tileParser } = tile

const signer = new GoSigner('sum.example.test')
const log = logWith(3, 10, signer)
const PAGE = captivePortal().open().bytes ?? Buffer.alloc(0)

describe('every document', () => {
  it('is no web page, and not cut anywhere', () => {
    const parsers = {
      headParser,
      infoParser,
      listParser,
      modFileParser,
      recordParser,
      supportedParser,
      tileParser,
      dataTileParser,
    }
    const page = Buffer.concat([PAGE, Buffer.alloc(64 - (PAGE.length % 32) - 1, ' ')])
    for (const parser of Object.values(parsers)) expect(() => parser.parse(page), parser.id).toThrow()
    expect(new Set(Object.values(parsers).map(({ id }) => id)).size).toBe(8)
    const bytes = Buffer.from(log.record(3))
    for (let end = 0; end < bytes.length; end++) expect(() => recordParser.parse(bytes.subarray(0, end))).toThrow()
  })

  it('is read by what the thread that parses large ones finds under its name', () => {
    const modules: [Record<string, unknown>, DocumentParser][] = [
      [head, headParser],
      [info, infoParser],
      [list, listParser],
      [modFile, modFileParser],
      [record, recordParser],
      [supported, supportedParser],
      [tile, tileParser],
      [tile, dataTileParser],
    ]
    for (const [exported, parser] of modules) expect(exported[parser.exportName]).toBe(parser.parse)
  })

  it('says in its facts only what survives JSON', () => {
    for (const { facts } of [headParser.parse(Buffer.from(log.head())), recordParser.parse(Buffer.from(log.record(3)))])
      expect(JSON.parse(JSON.stringify(facts))).toEqual(facts)
  })
})

describe('a signed note', () => {
  const verifier = parseVerifier(signer.verifier)
  const note = (text: string) => parseNote(text)

  it('is one if the right key signed it, among others', () => {
    const text = 'go.sum database tree\n10\n'
    const other = new GoSigner('other.test')
    const namesake = new GoSigner(signer.name)
    expect(isSignedBy(note(signer.note(text)), verifier)).toBe(true)
    expect(isSignedBy(note(`${other.note(text)}${signer.line(text)}`), verifier)).toBe(true)
    expect(isSignedBy(note(other.note(text)), verifier)).toBe(false)
    expect(isSignedBy(note(namesake.note(text)), verifier)).toBe(false)
    expect(isSignedBy(note(signer.note(text).replace('10', '11')), verifier)).toBe(false)
    // One that is wrong makes all of it wrong (x/mod/sumdb/note, `Open`).
    expect(isSignedBy(note(`${signer.note(text)}${signer.line('else\n')}`), verifier)).toBe(false)
  })

  it('is none without signatures, with too many, or with others behind', () => {
    const line = signer.line('a\n')
    for (const text of ['', 'a\n', 'a\n\n', 'a\n\nb\n', `a\n\n${line}b`, `a\n\n${line.repeat(101)}`, `a\n\n- x y\n`])
      expect(() => parseNote(text), text).toThrow()
    expect(parseNote(`a\n\nb\n\n${line}`).text).toBe('a\n\nb\n')
  })

  it('is checked by a key whose hash fits to its name', () => {
    expect(verifier.name).toBe('sum.example.test')
    const [name = '', hash = '', key = ''] = signer.verifier.split('+')
    for (const text of [
      '',
      name,
      `other.test+${hash}+${signer.verifier.slice(name.length + hash.length + 2)}`,
      `${name}+00000000+${key}`,
      `${name}+${hash}+AAAA`,
      `${name} ${hash} ${key}`,
    ])
      expect(() => parseVerifier(text), text).toThrow()
  })
})

describe('a head and a record', () => {
  it('tell the log and what is in it', () => {
    expect(headParser.parse(Buffer.from(log.head())).facts).toMatchObject({ size: 10, root: log.root().toString('base64') })
    const { facts } = recordParser.parse(Buffer.from(log.record(3)))
    expect([facts.id, facts.text]).toEqual([3, lines('ex.test/Big/A', 'v1.0.0')])
    expect(checksumIn(facts, 'ex.test/Big/A', 'v1.0.0', 'zip')).toBe('07'.repeat(32))
    expect(checksumIn(facts, 'ex.test/Big/A', 'v1.0.0', 'mod')).toBe('08'.repeat(32))
    expect(checksumIn(facts, 'ex.test/Big/A', 'v1.0', 'zip')).toBeUndefined()
    expect(checksumIn(facts, 'test/Big/A', 'v1.0.0', 'zip')).toBeUndefined()
    expect(checksumIn({ ...facts, text: 'a v1.0.0 h2:AAAA\na v1.0.0 h1:short=\n' }, 'a', 'v1.0.0', 'zip')).toBeUndefined()
  })

  it('are refused where they are odd', () => {
    const text = log.head()
    for (const [from, to] of [
      ['\n10\n', '\n010\n'],
      ['\n10\n', '\n-1\n'],
      ['\n10\n', '\n99999999999999999999\n'],
      ['go.sum database', 'other database'],
      ['=\n', '\n'],
    ] as const)
      expect(() => headParser.parse(Buffer.from(text.replace(from, to))), to).toThrow()
    const good = log.record(3)
    for (const odd of [`x${good}`, `0${good}`, `\n${good}`, good.replace('\n\n', '\n'), good.replace('v1', 'v\u0000')])
      expect(() => recordParser.parse(Buffer.from(odd))).toThrow()
    expect(() => recordParser.parse(Buffer.from([...Buffer.from(good), 0xff]))).toThrow()
  })
})

describe('tiles', () => {
  it('are hashes, or records', () => {
    const hashes = log.tile('0/000.p/10') ?? Buffer.alloc(0)
    expect(tileParser.parse(hashes).facts.hashes).toBe(hashes.toString('base64'))
    expect(dataTileParser.parse(log.tile('data/000.p/10') ?? Buffer.alloc(0)).facts).toBeNull()
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(33)]) expect(() => tileParser.parse(bytes)).toThrow()
    expect(() => dataTileParser.parse(hashes)).toThrow()
  })
})

describe('a list', () => {
  const parse = (text: string) => listParser.parse(Buffer.from(text))
  const newest = (...lines: string[]) => parse(lines.map((line) => `${line}\n`).join('')).facts

  it('tells the newest versions that clients choose from, newest first', () => {
    expect(newest('v1.9.0', 'v1.10.0', 'v2.0.0-rc.1', 'v3.0.0+incompatible', 'v1.2', `v9.9.${'9'.repeat(20)}`)).toEqual([
      ['v1.10.0', 'v1.9.0'],
      ['v3.0.0+incompatible'],
    ])
    expect(newest('v1.0.0-beta', 'v1.0.0-rc\r')).toEqual([['v1.0.0-rc', 'v1.0.0-beta']])
    expect(newest(...Array.from({ length: 30 }, (_, i) => `v1.${i}.0`))[0]).toHaveLength(20)
    // Where it has dates nobody has to be asked.
    expect([newest(), newest('v1.0.0 2020-01-01T00:00:00Z', 'v1.1.0')]).toEqual([[], []])
  })

  it('has versions in its lines, with whatever stands behind them, or is empty', () => {
    for (const text of [
      '',
      '\n',
      'v1.0.0\n',
      'v1.0.0\r\nv1.1.0',
      'v1.0.0 2020-01-01T00:00:00Z\n',
      'odd\nv1.0.0\n',
      '\tv1.0.0\n',
    ])
      parse(text)
    for (const text of ['<html></html>', 'not found: no such module\n', '{"error":"x"}', 'v1.0.0\0\n', '1.0.0\n'])
      expect(() => parse(text), text).toThrow()
  })

  it('loses versions that are withheld, and keeps all else', () => {
    const text = 'v1.0.0\nv1.1.0 2020-01-01T00:00:00Z\n\nodd\nv1.2.0\n'
    const seen: [string, number | undefined][] = []
    const left = listOffers.withhold(Buffer.from(text), (version, published) => {
      seen.push([version, published])
      return version !== 'v1.1.0'
    })
    expect(left.toString()).toBe('v1.0.0\n\nodd\nv1.2.0\n')
    expect(seen).toEqual([
      ['v1.0.0', undefined],
      ['v1.1.0', 1_577_836_800_000],
      ['odd', undefined],
      ['v1.2.0', undefined],
    ])
    const bytes = Buffer.from(text)
    expect(listOffers.withhold(bytes, () => true)).toBe(bytes)
    expect(listOffers.withhold(Buffer.from('v1.0.0\n'), () => false).toString()).toBe('')
  })
})

describe('a go.mod', () => {
  const parse = (text: string) => modFileParser.parse(Buffer.from(text))

  it('has a module line', () => {
    for (const text of ['module a\n', '// é\n\nmodule "a"\r\n', '\tmodule (\n a\n)\n']) parse(text)
    for (const text of ['', 'go 1.20\n', '<html>module a</html>', 'not found: module a: x\n', 'modules a\n'])
      expect(() => parse(text), text).toThrow()
  })
})

describe('an info', () => {
  const parse = (value: unknown) => infoParser.parse(Buffer.from(JSON.stringify(value))).facts

  it('tells a full version, and when it was made', () => {
    expect(parse({ Version: 'v1.0.0', Time: '2020-01-01T00:00:00Z', Origin: {} })).toEqual({
      version: 'v1.0.0',
      time: 1_577_836_800_000,
    })
    expect(parse({ Version: 'v0.0.0-20200101000000-abcdefabcdef' }).time).toBeNull()
    for (const Time of ['0001-01-01T00:00:00Z', 'yesterday', 5, null])
      expect(parse({ Version: 'v1.0.0', Time }).time).toBeNull()
    for (const value of [null, 5, 'v1.0.0', [], {}, { version: 'v1.0.0' }, { Version: 'main' }, { Version: 5 }])
      expect(() => parse(value)).toThrow()
    expect(() => infoParser.parse(Buffer.from('not found'))).toThrow()
  })

  it('is withheld with its one version', () => {
    const bytes = Buffer.from('{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}')
    expect(infoOffers.withhold(bytes, (version, published) => version === 'v1.0.0' && published === 1_577_836_800_000)).toBe(
      bytes,
    )
    expect(infoOffers.withhold(bytes, () => false).length).toBe(0)
  })
})
