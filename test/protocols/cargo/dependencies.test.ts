import { describe, expect, test } from 'vitest'
import { likelyDependencies, NewestLines } from '../../../protocols/cargo/dependencies.ts'
import { type Line, readLine } from '../../../protocols/cargo/lines.ts'
import { line } from './lines.ts'

const dep = (name: string, more: object = {}) => ({ name, req: '^1', features: [], optional: false, kind: 'normal', ...more })

function namesOf(...lines: string[]): string[] {
  const newest = new NewestLines()
  for (const text of lines) newest.add(readLine(Buffer.from(text)) as Line, Buffer.from(text))
  return likelyDependencies(newest.texts.map((text) => readLine(text) as Line))
}

describe('the dependencies that are fetched ahead', () => {
  test('are those that building the crate takes', () => {
    const deps = [
      dep('log'),
      dep('cc', { kind: 'build' }),
      dep('quickcheck', { kind: 'dev' }),
      dep('libc', { target: 'cfg(unix)' }),
    ]
    expect(namesOf(line('a', '1.0.0', { deps }))).toEqual(['log', 'cc', 'libc'])
  })

  test('are called by the name of the crate, not by that in the code', () => {
    expect(namesOf(line('a', '1.0.0', { deps: [dep('renamed', { package: 'Real' })] }))).toEqual(['Real'])
  })

  test('are none of another registry', () => {
    const deps = [dep('mine', { registry: null }), dep('theirs', { registry: 'https://index.example.test/' })]
    expect(namesOf(line('a', '1.0.0', { deps }))).toEqual(['mine'])
  })

  test('are optional ones only where default features turn them on', () => {
    const optional = ['plain', 'named', 'through', 'weak', 'unused', 'deep'].map((name) => dep(name, { optional: true }))
    const features = {
      default: ['std', 'plain'],
      std: ['dep:named', 'through/std', 'weak?/std'],
      loop: ['loop'],
      other: ['unused'],
    }
    const features2 = { plain: ['more'], more: ['dep:deep', 'more'] }
    expect(namesOf(line('a', '1.0.0', { deps: optional, features, features2 }))).toEqual(['plain', 'named', 'through', 'deep'])
  })

  test('are those of the newest version of the last two ranges, leaving out what was yanked and pre-releases', () => {
    const of = (version: string, more: object = {}) =>
      line('a', version, { deps: [dep(`of-${version.replace(/\W/g, '-')}`)], ...more })
    expect(
      namesOf(of('0.3.0'), of('1.10.0'), of('1.9.0'), of('2.0.0-rc.1'), of('2.0.0'), of('2.1.0', { yanked: true })),
    ).toEqual(['of-2-0-0', 'of-1-10-0'])
    expect(namesOf(of('0.1.5'), of('0.2.1'), of('0.2.3'), of('0.3.0'))).toEqual(['of-0-3-0', 'of-0-2-3'])
    expect(namesOf(of('1.0.0', { yanked: true }), of('2.0.0-rc.1'))).toEqual([])
  })

  test('are neither the crate itself nor what is no crate, and not more than a few dozen', () => {
    const deps = [dep('A'), dep('../evil'), dep('x', { package: 5 }), null, 'y', dep('fine')]
    expect(namesOf(line('a', '1.0.0', { deps }))).toEqual(['fine'])
    const many = Array.from({ length: 500 }, (_, i) => dep(`d${i}`))
    expect(namesOf(line('a', '1.0.0', { deps: many }))).toHaveLength(64)
  })

  test.each([
    { deps: null },
    { deps: {} },
    { deps: 'x' },
    { features: null },
    { features: [] },
    { features: { default: 5 } },
    {},
  ])('are none of a line with %j', (more) => {
    expect(namesOf(line('a', '1.0.0', more))).toEqual([])
  })
})
