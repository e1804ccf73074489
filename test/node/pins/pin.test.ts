import { expect, it } from 'vitest'
import { baseOf, type Edition, standsFor } from '../../../node/pins/pin.ts'

it('of two editions one stands for the other, never both, and the same one for everybody', () => {
  const editions: Edition[] = ['a', 'b', 'c'].flatMap((blob) => [1, 2, 3].map((checkedAt) => ({ blob, checkedAt })))
  for (const one of editions) {
    for (const other of editions) {
      if (one.blob === other.blob) expect(standsFor(one, other)).toBe(true)
      else expect([standsFor(one, other), standsFor(other, one)].toSorted()).toEqual([false, true])
    }
  }
  expect(standsFor({ blob: 'a', checkedAt: 2 }, { blob: 'b', checkedAt: 1 })).toBe(true)
})

it('a key tells its upstream', () => {
  expect(baseOf(['npm', 'https://registry.test/x/', 'a', '', ''].join('\n'))).toBe('https://registry.test/x/')
  expect(baseOf('npm')).toBeUndefined()
})
