import { expect, test } from 'vitest'
import { shuffled } from '../../../../node/mesh/host/shuffled.ts'
import { Random } from '../../../harness/random.ts'

test('shuffling keeps everybody', () => {
  const numbers = new Random(3)
  const mixed = shuffled([1, 2, 3, 4, 5], () => numbers.next())
  expect(mixed).not.toEqual([1, 2, 3, 4, 5])
  expect(mixed.sort()).toEqual([1, 2, 3, 4, 5])
})
