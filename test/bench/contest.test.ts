import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { useTempFolders } from '../harness/temp.ts'
import type { Bench } from './bench.ts'
import { contestRow } from './contest.ts'
import type { Skipped } from './figures.ts'

const temp = useTempFolders()

/** Runs a row on a machine that has these programs and no others. */
async function run(programs: readonly string[], find: () => object | string) {
  const folder = temp.create('programs')
  for (const program of programs) writeFileSync(join(folder, program), '#!/bin/sh\n', { mode: 0o755 })
  vi.stubEnv('PATH', folder)
  const skipped: Skipped[] = []
  const bench = { skip: (one: Skipped) => void skipped.push(one) } as Bench
  const measured: unknown[] = []
  try {
    const row = contestRow('7', find, async ({ rival }) => void measured.push(rival))
    expect(row.name).toBe('7')
    await row.run(bench)
  } finally {
    vi.unstubAllEnvs()
  }
  return { skipped, measured }
}

it('a row is measured where wrk and its rival are there', async () => {
  const rival = {}
  expect(await run(['wrk'], () => rival)).toEqual({ skipped: [], measured: [rival] })
})

it('a row without its rival is left out and says why', async () => {
  const skipped = [{ row: '7', what: 'all of it', why: 'it is not installed' }]
  expect(await run(['wrk'], () => 'it is not installed')).toEqual({ skipped, measured: [] })
})

it('a row without wrk is left out before its rival is looked for', async () => {
  const find = vi.fn(() => ({}))
  const { skipped, measured } = await run([], find)
  expect(skipped).toEqual([{ row: '7', what: 'all of it', why: expect.stringContaining('wrk is not installed') }])
  expect([measured, find.mock.calls]).toEqual([[], []])
})
