import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { AbortScope } from '../../node/abort-scope.ts'

it('ends with the first of the others, for the same reason', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const scope = new AbortScope(one.signal, other.signal)
  expect(scope.signal.aborted).toBe(false)
  other.abort('second')
  one.abort('first')
  expect(scope.signal.reason).toBe('second')
})

it('has ended from the start where one of the others has', () => {
  expect(new AbortScope(new AbortController().signal, AbortSignal.abort('gone')).signal.reason).toBe('gone')
})

it('ends by itself, without the others, and listens to them no more', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const scope = new AbortScope(one.signal, other.signal)
  scope.end('over')
  expect([scope.signal.reason, one.signal.aborted, other.signal.aborted]).toEqual(['over', false, false])
  expect([one, other].flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([])
})

it('listens to nobody any more once one of them ended it', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  new AbortScope(one.signal, other.signal)
  one.abort()
  expect([one, other].flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([])
})
