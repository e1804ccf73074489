import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { openOp } from '../../node/ledger/op.ts'
import { LedgerState } from '../../node/ledger/state.ts'
import { NodeEffects } from '../../node/ledger-effects.ts'
import { layerOf } from '../../node/ledger-layer.ts'
import { LiveSettings } from '../../node/live-settings.ts'
import { Policy } from '../../node/policy/policy.ts'
import type { PurgeRun } from '../../node/purge/purge-run.ts'
import type { PurgeScope } from '../../node/purge/scope.ts'
import { useTempFolders } from '../harness/temp.ts'
import { opWith, scope } from './ledger/fixture.ts'

const folders = useTempFolders()

const NONE = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] }
const PURGE = { type: 'purge', body: { scopes: [{ kind: 'all' }] } }

interface Said {
  readonly type: string
  readonly body: Record<string, unknown>
}

/** A node for which ops come into effect, and what comes of that. */
function nodeWith(takeMirrors: () => void = () => {}, written: (id: string) => Promise<void> = async () => {}) {
  const left: string[] = []
  const purged = new Map<string, readonly PurgeScope[]>()
  const base = { mirrors: [], policy: NONE }
  const settings = new LiveSettings(
    { ecosystems, takeMirrors, takePolicy: (policy) => void new Policy(policy), left: (what) => left.push(what) },
    { folder: folders.create(), base },
  )
  const purger = {
    run: () => undefined,
    runs: () => [],
    apply: async (id: string, scopes: readonly PurgeScope[]) => {
      purged.set(id, scopes)
      await written(id)
      return {} as PurgeRun
    },
  }
  const effects = new NodeEffects({ settings, purger, log: { warn: () => {} } })
  const apply = (...ops: readonly Said[]) => {
    const state = new LedgerState(scope)
    for (const [at, op] of ops.entries()) state.apply(openOp(opWith({ ...op, lamport: at + 1 }).text, scope))
    return effects.apply(state)
  }
  return { settings, purged, left, apply }
}

describe('what an op says that nobody has checked', () => {
  const NAMES = ['npm', 'corp', '__proto__', 'constructor', 'toString', '', '../x', 'a\u0000b', 'A', '🐇']
  const KEYS = ['protocol', 'path', 'upstreams', 'routes', 'registry', 'pins', 'sumdb', 'fileHosts', 'lifetime', 'local', 'ca']
  const texts = fc.constantFrom(
    ...['npm', 'oci', 'raw', '/', '/npm/', '/admin/', '/../', '//', 'http://127.0.0.1:9/', 'http://[::1', 'file:///etc/passwd'],
    ...['*', 'pkg:npm/*', 'pkg:npm/a@>=1', 'pkg:', 'pkg:npm/%', '3d', '-1', '1e999d', 'off', '/dev/zero', '\u0000'],
  )
  const value = fc.oneof(
    { depthSize: 'small' },
    texts,
    fc.array(texts, { maxLength: 3 }),
    fc.dictionary(texts, texts, { maxKeys: 3 }),
    fc.array(fc.record({ url: texts, ca: texts, only: texts }, { requiredKeys: [] }), { maxLength: 2 }),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const op = fc.oneof(
    fc.record({
      type: fc.constant('mirrors.set'),
      body: fc.record({
        name: fc.constantFrom(...NAMES),
        entry: fc.oneof(fc.constant(false as const), fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 4 })),
      }),
    }),
    fc.record({
      type: fc.constant('policy.set'),
      body: fc.record({ setting: fc.constantFrom('allow', 'deny', 'minimumAge', 'minimumAgeExceptions'), value }),
    }),
    fc.record({ type: fc.constant('policy.block'), body: fc.record({ purl: texts }) }),
    fc.record({
      type: fc.constant('purge'),
      body: fc.record({ scopes: fc.array(fc.dictionary(fc.constantFrom('kind', 'purl', 'digest'), value), { maxLength: 2 }) }),
    }),
  )

  it('is left out where it cannot be, and keeps nothing else from coming into effect', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 6 }), async (ops) => {
        const { settings, purged, apply } = nodeWith()
        const good = { protocol: 'npm', upstreams: ['http://127.0.0.1:9/'] }
        const blocked = { type: 'policy.block', body: { purl: 'pkg:npm/left-pad' } }
        const mirror = { type: 'mirrors.set', body: { name: 'zz-good', entry: good } }
        await apply(...ops, PURGE, blocked, mirror)
        expect([...purged.values()].at(-1)).toEqual([{ kind: 'all' }])
        expect(settings.blocks.map(({ purl }) => purl)).toContain('pkg:npm/left-pad')
        expect(settings.mirrors.map(({ name }) => name)).toContain('zz-good')
        expect(Object.getPrototypeOf({})).toBe(Object.prototype)
      }),
      { seed: 5, numRuns: 400 },
    )
  })

  it.skipIf(process.platform === 'win32')('names no pipe that would be waited at for ever, at each start again', async () => {
    const pipe = join(folders.create(), 'pipe')
    execFileSync('sh', ['-c', `mkfifo '${pipe}'`])
    const { settings, left, purged, apply } = nodeWith()
    const entry = { protocol: 'npm', upstreams: [{ url: 'https://127.0.0.1:9/', ca: pipe }] }
    await apply({ type: 'mirrors.set', body: { name: 'corp', entry } }, PURGE)
    expect([settings.mirrors, left, purged.size]).toEqual([[], [expect.stringContaining('PEM certificate')], 1])
  })
})

it('takes so many mirrors from operators, and those of the admin before them: each costs at each change', () => {
  const entry = { protocol: 'npm', upstreams: ['http://127.0.0.1:9/'] }
  const state = new LedgerState(scope)
  for (let at = 0; at < 400; at++) {
    const one = opWith({ type: 'mirrors.set', body: { name: `m${at}`, entry }, lamport: at + 1 })
    state.apply(at === 399 ? one : { ...one, operator: 'ada' })
  }
  const { mirrors } = layerOf(state)
  expect([Object.keys(mirrors).length, 'm399' in mirrors, 'm254' in mirrors, 'm255' in mirrors]).toEqual([
    256,
    true,
    true,
    false,
  ])
})

describe('what cannot be taken over', () => {
  it('keeps nothing from being purged, and is tried again', async () => {
    const { purged, apply } = nodeWith(() => {
      throw new Error('its certificate has gone')
    })
    const entry = { protocol: 'npm', upstreams: ['http://127.0.0.1:9/'] }
    await expect(apply({ type: 'mirrors.set', body: { name: 'corp', entry } }, PURGE)).rejects.toThrow('has gone')
    expect(purged.size).toBe(1)
  })

  it('on a full disk keeps nothing else from being purged', async () => {
    const { purged, apply } = nodeWith(undefined, () => Promise.reject(new Error('the disk takes no more')))
    await expect(apply(PURGE, { type: 'purge', body: { scopes: [{ kind: 'package', purl: 'pkg:npm/a' }] } })).rejects.toThrow(
      'no more',
    )
    expect(purged.size).toBe(2)
  })
})
