import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hunksBetween } from '../../../../admin/cli/setup/line-diff.ts'
import { takenOut } from '../../../../admin/cli/setup/taken-out.ts'

const line = fc.constantFrom('', 'a', 'b', '[x]', 'a = 1', '# c')
const lines = fc.array(line, { maxLength: 12 })
const text = fc
  .tuple(lines, fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([all, end, last]) => all.join(end) + (last ? end : ''))

describe('hunks', () => {
  test('make of the old lines the new ones, and name no line that stays', () => {
    fc.assert(
      fc.property(lines, lines, (old, now) => {
        const made: string[] = []
        let at = 0
        for (const hunk of hunksBetween(old, now)) {
          made.push(...old.slice(at, hunk.at))
          expect(made).toHaveLength(hunk.newAt)
          expect(old.slice(hunk.at, hunk.at + hunk.removed.length)).toEqual(hunk.removed)
          made.push(...hunk.added)
          at = hunk.at + hunk.removed.length
        }
        expect([...made, ...old.slice(at)]).toEqual(now)
      }),
    )
  })

  test('are as few lines as can be', () => {
    expect(hunksBetween(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'd', 'e'])).toEqual([
      { at: 1, newAt: 1, removed: ['b'], added: ['x'] },
      { at: 4, newAt: 4, removed: [], added: ['e'] },
    ])
    expect(hunksBetween(['a'], ['a'])).toEqual([])
  })

  test('are one between the first lines and the last, where nearly all are others', () => {
    const [old, now] = ['x', 'y'].map((name) =>
      Array.from({ length: 40_000 }, (_, at) => (at % 2 === 0 ? 'same' : name + at)),
    ) as [string[], string[]]
    const [hunk, another] = hunksBetween(['first', ...old, 'last'], ['first', ...now, 'last'])
    expect(another).toBeUndefined()
    expect(hunk).toMatchObject({ at: 2, newAt: 2 })
    expect([hunk?.removed.length, hunk?.added.length]).toEqual([39_999, 39_999])
  })
})

describe('what was written', () => {
  test('is taken out to the byte where nobody touched the file', () => {
    fc.assert(
      fc.property(text, text, (base, written) => {
        expect(takenOut(written, base, written)).toEqual({ text: base, lost: [] })
      }),
    )
  })

  test('is taken out, and what was put before and behind it stays', () => {
    fc.assert(
      fc.property(lines, fc.nat(12), lines, lines, (others, place, before, behind) => {
        const base = others.map((one) => `${one}\n`)
        const written = base.toSpliced(Math.min(place, base.length), 0, 'node = 1\n', 'node = 2\n')
        const [first, last] = [before, behind].map((some) => some.map((one) => `${one}\n`).join('')) as [string, string]
        const taken = takenOut(first + written.join('') + last, base.join(''), written.join(''))
        expect(taken).toEqual({ text: first + base.join('') + last, lost: [] })
      }),
    )
  })

  test('becomes again what stood in its place, also where that moved', () => {
    const base = 'a=1\nregistry=old\n'
    const written = 'a=1\nregistry=node\n'
    expect(takenOut('new=2\nregistry=node\na=1\n', base, written)).toEqual({ text: 'new=2\nregistry=old\na=1\n', lost: [] })
  })

  test('is told where somebody changed it, and stays as they have it', () => {
    const taken = takenOut('a=1\nregistry=theirs\n', 'a=1\n', 'a=1\nregistry=node\n')
    expect(taken).toEqual({ text: 'a=1\nregistry=theirs\n', lost: [['registry=node']] })
  })

  test('stays where it cannot be told which of several lines it is', () => {
    const taken = takenOut('b\nx\nc\nx\nd\n', 'a\n', 'a\nx\n')
    expect(taken.lost).toEqual([['x']])
  })

  test('of lines that stand for themselves those are taken out that nobody changed, and of a block none', () => {
    const keys = takenOut('a=1\nx=9\ny=2\n', 'a=1\n', 'a=1\nx=1\ny=2\n')
    expect(keys).toEqual({ text: 'a=1\nx=9\n', lost: [['x=1']] })
    const block = '[t]\nx=9\ny=2\n'
    expect(takenOut(block, '', '[t]\nx=1\ny=2\n')).toEqual({ text: block, lost: [['[t]', 'x=1', 'y=2']] })
  })

  test('does not run into a line that was put behind it', () => {
    expect(takenOut('a\nnode\nb\n', 'a', 'a\nnode\n').text).toBe('a\nb\n')
  })

  test('is not looked for where somebody planted a record of endless lines', () => {
    const [base, written] = ['a', 'b'].map((name) => `${name} = 1\n`.repeat(100_000)) as [string, string]
    const text = `${written}c = 1\n`
    expect(takenOut(text.replace('b', 'd'), base, written).text).toBe(text.replace('b', 'd'))
  })
})
