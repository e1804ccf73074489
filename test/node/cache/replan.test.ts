import { describe, expect, it } from 'vitest'
import { cacheKey, type NamedKey, type Plan, parseKey } from '../../../node/cache/plan.ts'
import { replan } from '../../../node/cache/replan.ts'

const BASE = 'https://upstream.example.test/'
const PARTS = { ecosystem: 'npm', base: BASE, path: 'a/b', variant: 'cached-only x', partition: 'p' }

describe('a key', () => {
  it.each([
    ['with all parts', PARTS],
    ['without a path, as the base itself has it', { ...PARTS, path: '' }],
    ['without what is not told', { ecosystem: 'npm', base: BASE, path: 'a' }],
  ])('%s is taken apart into what it was made of', (_, parts) => {
    const key = cacheKey(parts)
    expect(parseKey(key)).toEqual({ variant: '', partition: '', ...parts, key })
  })

  it.each([
    ['of fewer parts', `npm\n${BASE}\na\n`],
    ['of more parts', `npm\n${BASE}\na\n\n\n`],
    ['of no ecosystem', `\n${BASE}\na\n\n`],
    ['of no upstream', 'npm\n\na\n\n'],
    ['with a space in its path', `npm\n${BASE}\na b\n\n`],
    ['with a line end of another kind', `npm\n${BASE}\na\r\n\n`],
    ['with NUL', `npm\n${BASE}\na\0\n\n`],
    ['with what is no ASCII', `npm\n${BASE}\nä\n\n`],
    ['with half a character', `npm\n${BASE}\n\ud800\n\n`],
    ['with a control character in its variant', `npm\n${BASE}\na\nx\ty\n`],
    ['without end', `npm\n${BASE}\n${'a'.repeat(20_000)}\n\n`],
    ['of nothing', ''],
  ])('%s is none', (_, key) => {
    expect(parseKey(key)).toBeUndefined()
  })
})

interface FakeMirror {
  readonly name: string
  readonly has: readonly string[]
}

/** Plans what is in `has`, and tells what it was asked for. */
function plannerOf(ecosystem: string, name: string, has: readonly string[], asked: string[] = []) {
  const planOf = ({ key, base, path }: NamedKey, mirror: FakeMirror): Plan | undefined => {
    asked.push(`${mirror.name} ${path}`)
    const isThere = mirror.has.includes(path)
    return isThere ? { key, ecosystem, mirror: mirror.name, kind: 'mutable', url: base + path, base } : undefined
  }
  return { mirror: { name, has }, protocol: { name: ecosystem, planOf } }
}

describe('what a member names', () => {
  const key = cacheKey({ ecosystem: 'npm', base: BASE, path: 'a' })

  it('is planned by the first mirror that would ask for it itself', () => {
    const planners = [
      plannerOf('pypi', 'python', ['a']),
      plannerOf('npm', 'bound', ['b']),
      plannerOf('npm', 'first', ['a']),
      plannerOf('npm', 'second', ['a']),
    ]
    expect(replan(key, planners)).toMatchObject({ key, mirror: 'first', url: `${BASE}a` })
  })

  it('is planned by nobody where no mirror has it', () => {
    const asked: string[] = []
    expect(replan(key, [plannerOf('pypi', 'python', ['a'], asked), plannerOf('npm', 'corp', ['b'], asked)])).toBeUndefined()
    expect(replan(key, [])).toBeUndefined()
    expect(asked).toEqual(['corp a'])
  })

  it('is looked at by no grammar where it can be no key', () => {
    const asked: string[] = []
    expect(replan(`${key}\n`, [plannerOf('npm', 'npm', ['a'], asked)])).toBeUndefined()
    expect(asked).toEqual([])
  })
})
