import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NotEditable } from '../../../../admin/cli/setup/not-editable.ts'
import { takenOut } from '../../../../admin/cli/setup/taken-out.ts'
import { edited, HOST } from './editing.ts'
import { PIECES } from './pieces.ts'

describe.each(PIECES)('%s', (_, client, pieces) => {
  const text = fc
    .tuple(fc.array(fc.constantFrom(...pieces), { maxLength: 10 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([lines, end, last]) => lines.join(end) + (last ? end : ''))

  test('is led to the node once for all, and taking it back gives the bytes of before, or it is said to be odd', () => {
    let led = 0
    fc.assert(
      fc.property(text, (before) => {
        let after: string
        try {
          after = edited(client, before)
        } catch (error) {
          expect(error).toBeInstanceOf(NotEditable)
          return
        }
        led++
        expect(after).toContain(HOST)
        expect(edited(client, after)).toBe(after)
        expect(takenOut(after, before, after)).toEqual({ text: before, lost: [] })
        // What is put behind it by somebody stays.
        const more = `${after}${after.endsWith('\n') ? '' : '\n'}# more\n`
        const rest = takenOut(more, before, after)
        // Which of two lines was written can sometimes not be told.
        const isAmbiguous = new Set(before.split('\n')).size < before.split('\n').length
        if (isAmbiguous && rest.lost.length > 0) return
        expect(rest.lost).toEqual([])
        const plain = (one: string) => one.replaceAll('\r\n', '\n').trimEnd()
        expect(plain(rest.text.replace(/# more\n$/, ''))).toBe(plain(before))
      }),
      { numRuns: 300 },
    )
    expect(led).toBeGreaterThan(20)
  })

  test('begins as what the client reads, where there was none', () => {
    const after = edited(client, '')
    expect(edited(client, after)).toBe(after)
    expect(after).toContain(HOST)
  })
})
