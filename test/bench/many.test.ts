import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import type { Bench } from './bench.ts'
import { quiet, startLone, startMesh } from './many.ts'

useLeakCheck()

const signal = new AbortController().signal
const bench = { signal, say: () => {} } as Partial<Bench> as Bench

it('nodes of a row are waited for until they have nothing to do, and are gone with their stack', {
  timeout: 300_000,
}, async () => {
  const stack = new AsyncDisposableStack()
  try {
    const lone = await startLone(stack, 1, {})
    const mesh = await startMesh(stack, { seeds: 1, members: 1 }, {})
    const nodes = [...lone, ...mesh.members.map((member) => member.process)]
    await quiet(bench, nodes)
    expect(nodes.map(({ running }) => running)).toEqual([true, true, true])
    expect(mesh.members.map(({ role }) => role)).toEqual(['seed', 'member'])
    await stack.disposeAsync()
    expect(nodes.map(({ running, data }) => [running, existsSync(data)])).toEqual(nodes.map(() => [false, false]))
  } finally {
    await stack.disposeAsync()
  }
})

it('waiting for quiet can be broken off', async () => {
  const stopped = { ...bench, signal: AbortSignal.abort(new Error('enough')) }
  await expect(quiet(stopped, [])).rejects.toThrow('aborted')
})
