import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AuditEntry, AuditLog } from '../../node/audit-log.ts'
import { VirtualClock } from '../harness/clock.ts'
import { SmallDisk } from '../harness/small-disk.ts'
import { useTempFolders } from '../harness/temp.ts'

const folders = useTempFolders()

const DONE: AuditEntry = { who: 'token', from: '127.0.0.1', method: 'PUT', path: '/admin/v1/x', outcome: 'done', status: 200 }
const REFUSED: AuditEntry = { ...DONE, who: 'none', outcome: 'refused', status: 401, code: 'TOKEN_REQUIRED' }

function open(folder: string) {
  const clock = new VirtualClock()
  const troubles: string[] = []
  const log = new AuditLog({ clock, trouble: (what) => troubles.push(what) }, { folder })
  return { log, clock, troubles, file: join(folder, 'audit.log') }
}

function linesOf(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  expect(lines.pop()).toBe('')
  return lines.map((line) => JSON.parse(line))
}

test('each change is a line, in order, for this user alone; a later log goes on', async () => {
  const folder = folders.create()
  const { log, file } = open(folder)
  log.add({ ...DONE, change: { what: 'a', before: null } })
  log.add({ ...REFUSED, path: '/é\n' })
  await log.close()
  const next = open(folder)
  next.log.add({ ...DONE, method: 'DELETE' })
  await next.log.close()
  const time = '2026-01-01T00:00:00.000Z'
  expect(linesOf(file)).toEqual([
    { time, ...DONE, change: { what: 'a', before: null } },
    { time, ...REFUSED, path: '/é\n' },
    { time, ...DONE, method: 'DELETE' },
  ])
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('what is full is kept once beside it', async () => {
  const folder = folders.create()
  const { log, file } = open(folder)
  for (const [i, letter] of ['a', 'b'].entries()) {
    writeFileSync(file, `${letter.repeat(16 << 20)}\n`)
    log.add({ ...DONE, status: i })
    await log.close()
    expect(readFileSync(`${file}.1`, 'utf8').slice(0, 1)).toBe(letter)
    expect(linesOf(file)).toMatchObject([{ status: i }])
  }
})

test('a change that is too long for a line is told by its length', async () => {
  const { log, file } = open(folders.create())
  log.add({ ...DONE, change: 'x'.repeat(20_000) })
  await log.close()
  expect(linesOf(file)).toMatchObject([{ change: { characters: 20_002 } }])
})

test('a flood of refusals is counted and pushes no change out', async () => {
  const { log, clock, file } = open(folders.create())
  for (let host = 1; host < 100; host++) for (let i = 0; i < 100; i++) log.add({ ...REFUSED, from: `10.0.0.${host}` })
  log.add(DONE)
  await clock.advance(60_000)
  log.add(REFUSED)
  await log.close()
  const lines = linesOf(file)
  expect(lines.filter(({ from }) => from === '10.0.0.1')).toHaveLength(20)
  expect(lines).toHaveLength(60 + 1 + 1 + 1)
  expect(lines.slice(60)).toMatchObject([{ outcome: 'done' }, { outcome: 'refused', more: 9_900 - 60 }, { from: '127.0.0.1' }])
})

test('a link in its place is not followed; it is told once, and later what was lost', async () => {
  const folder = folders.create()
  const { log, troubles, file } = open(folder)
  const elsewhere = join(folder, 'elsewhere')
  writeFileSync(elsewhere, '')
  symlinkSync(elsewhere, file)
  for (let i = 0; i < 2; i++) {
    log.add(DONE)
    await log.close()
  }
  expect(readFileSync(elsewhere, 'utf8')).toBe('')
  expect(troubles).toEqual([expect.stringContaining(`${file}: `)])
  rmSync(file)
  log.add(DONE)
  await log.close()
  expect(linesOf(file)).toMatchObject([{ lost: 2 }, DONE])
})

test('a full disk costs lines, and nothing else', async (context) => {
  const disk = SmallDisk.create(context, folders, 1)
  const folder = join(disk.folder, 'data')
  mkdirSync(folder)
  const { log, troubles, file } = open(folder)
  disk.fill()
  for (let i = 0; i < 500; i++) log.add(DONE)
  await log.close()
  expect(troubles).toEqual([expect.stringContaining('ENOSPC')])
  disk.empty()
  log.add(DONE)
  await log.close()
  expect(linesOf(file).at(-1)).toMatchObject(DONE)
  expect(linesOf(file)).toContainEqual(expect.objectContaining({ lost: expect.any(Number) }))
})
