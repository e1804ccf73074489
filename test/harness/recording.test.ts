import { createHash } from 'node:crypto'
import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../node/body.ts'
import { useLeakCheck } from './leaks.ts'
import { canonicalPath, MemoryRecording, Recording } from './recording.ts'
import { useTempFolders } from './temp.ts'

useLeakCheck()
const temp = useTempFolders()
const BASE = 'https://registry.example.test/npm/'

describe.each([
  ['in memory', () => new MemoryRecording(BASE)],
  ['in a folder', () => Recording.create(temp.create('recording'), BASE)],
])('a recording %s', (_, make) => {
  test('gives back status, headers and bytes under every spelling of the path', async () => {
    const recording = make()
    const headers = { 'content-type': 'text/plain', connection: 'close', 'content-length': '5', 'set-cookie': 'a=b' }
    recording.record(`${BASE}@scope%2fname`, 410, headers, Buffer.from('bytes'))
    for (const target of ['/npm/@scope/name', '/npm/@scope%2Fname', '/npm/%40scope%2fname', `${BASE}@scope/name`]) {
      const found = recording.find(canonicalPath(target), '')
      if (!found) throw new Error(`${target} is not found`)
      expect(found.status).toBe(410)
      expect(found.headers).toEqual({ 'content-type': 'text/plain' })
      const body = found.open()
      expect((await readAll(body)).toString()).toBe('bytes')
      body.close()
    }
    expect(recording.find('/npm/other', '')).toBeUndefined()
  })

  test('keeps variants apart and falls back to the ordinary one', () => {
    const recording = make()
    recording.record('/a', 200, {}, Buffer.from('full'))
    recording.record('/a', 200, {}, Buffer.from('brief!'), 'abbreviated')
    expect(recording.find('/a', '')?.size).toBe(4)
    expect(recording.find('/a', 'abbreviated')?.size).toBe(6)
    expect(recording.find('/a', 'unheard-of')?.size).toBe(4)
  })

  test('tells the origin of what it recorded', () => {
    expect(make().origins).toEqual(['https://registry.example.test'])
  })
})

test('a saved recording can be loaded; one that was broken off cannot', () => {
  const folder = temp.create('recording')
  expect(Recording.load(folder)).toBeUndefined()
  const recording = Recording.create(folder, BASE)
  recording.record('/npm/a', 200, { 'content-type': 'text/plain' }, Buffer.from('abc'))
  recording.save(false)
  expect(Recording.load(folder)).toBeUndefined()
  recording.save(true)
  const loaded = Recording.load(folder)
  expect(loaded?.base).toBe(BASE)
  expect(loaded?.entries()).toMatchObject([{ path: '/npm/a', status: 200, size: 3 }])
  expect(loaded?.find('/npm/a', '')?.sha256).toBe(recording.find('/npm/a', '')?.sha256)
})

test('a body file that was cut does not pass for a whole one', () => {
  const recording = Recording.create(temp.create('recording'), BASE)
  recording.record('/npm/a', 200, {}, Buffer.from('abc'))
  const bodies = join(recording.folder, 'bodies')
  for (const name of readdirSync(bodies)) truncateSync(join(bodies, name), 2)
  expect(() => recording.find('/npm/a', '')?.open()).toThrow('has 2 bytes where 3 were recorded')
})

test('a large artifact is the same bytes at every offset, and its digest is known', async () => {
  const recording = new MemoryRecording(BASE)
  const size = 3_000_001
  const sha256 = await recording.recordLarge('/npm/large', size, 9)
  const body = recording.find('/npm/large', '')?.open()
  if (!body) throw new Error('it is not found')
  const whole = await readAll(body)
  expect(createHash('sha256').update(whole).digest('hex')).toBe(sha256)
  expect(whole.length).toBe(size)
  for (const position of [0, 1_048_572, 1_048_573, 2_999_990]) {
    const part = await body.read(position, 20, Buffer.alloc)
    expect(part.equals(whole.subarray(position, position + part.length))).toBe(true)
    expect(part.length).toBeGreaterThan(0)
  }
  expect(await recording.recordLarge('/npm/other', size, 10)).not.toBe(sha256)
  recording.forget('/npm/large')
  expect(recording.find('/npm/large', '')).toBeUndefined()
})

test('the query is part of the path, and what cannot be decoded stays as it is', () => {
  expect(canonicalPath('/a%20b?c=%2F')).toBe('/a b?c=%2F')
  expect(canonicalPath('/%zz')).toBe('/%zz')
  expect(canonicalPath('http://somewhere.test/a/b?c')).toBe('/a/b?c')
})
