import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ecosystems as all } from '../../../node/built-ins.ts'
import { entryOf } from '../../../node/config/entry-of.ts'
import { type Layers, layeredMirrors, layeredPolicy } from '../../../node/config/layers.ts'
import { type Layer, NO_LAYER } from '../../../node/config/overlay.ts'
import type { MirrorConfig } from '../../../node/config/schema.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { ecosystems, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()

const corp = (port: number, more: object = {}) => ({ protocol: 'npm', upstreams: [`http://127.0.0.1:${port}`], ...more })

function layersOf(text: string, { overlay, ledger }: { overlay?: Partial<Layer>; ledger?: Partial<Layer> } = {}): Layers {
  const { config } = loadText(folders.create(), text)
  return { base: config, overlay: { ...NO_LAYER, ...overlay }, ledger: { ...NO_LAYER, ...ledger } }
}

function merged(layers: Layers) {
  const left: string[] = []
  const mirrors = layeredMirrors(layers, { ecosystems, where: 'overlay.json', left: (what) => left.push(what) })
  const of = (name: string) => {
    const one = mirrors.find((other) => other.name === name)
    return one && [one.layer, one.mirror?.upstreams[0] ?? null, one.shadows.map(({ layer }) => layer)]
  }
  return { mirrors, of, left }
}

const at = (port: number) => `http://127.0.0.1:${port}/`

test.for([
  ['the overlay stands above all', '', ['overlay', at(1), ['ledger', 'file']]],
  ['the overlay stands above a local mirror, too', 'local: true, ', ['overlay', at(1), ['file', 'ledger']]],
] as const)('%s', ([, local, expected]) => {
  const file = `mirrors: {corp: {${local}protocol: npm, upstreams: ["${at(3)}"]}}`
  const layers = layersOf(file, { overlay: { mirrors: { corp: corp(1) } }, ledger: { mirrors: { corp: corp(2) } } })
  expect(merged(layers).of('corp')).toEqual(expected)
})

test.for([
  ['', ['ledger', at(2), ['file']]],
  ['local: true, ', ['file', at(3), ['ledger']]],
] as const)('without an overlay the mesh stands above the file, and below what is local there (%j)', ([local, expected]) => {
  const file = `mirrors: {corp: {${local}protocol: npm, upstreams: ["${at(3)}"]}}`
  expect(merged(layersOf(file, { ledger: { mirrors: { corp: corp(2) } } })).of('corp')).toEqual(expected)
})

test('built-in mirrors are told apart from those of the file', () => {
  const { of } = merged(layersOf('mirrors: {npm: {upstreams: ["http://127.0.0.1:9"]}}'))
  expect([of('npm'), of('oci')]).toEqual([
    ['file', at(9), []],
    ['built in', 'https://images.example.test/', []],
  ])
})

test('a mirror is taken away by each layer, and what is below is still told', () => {
  const layers = layersOf('{}', { overlay: { mirrors: { npm: false } }, ledger: { mirrors: { oci: false } } })
  const { mirrors, of } = merged(layers)
  expect([of('npm'), of('oci')]).toEqual([
    ['overlay', null, ['built in']],
    ['ledger', null, ['built in']],
  ])
  expect(mirrors.map(({ mirror }) => mirror)).toEqual([null, null])
})

test('what an overlay takes away may be gone already', () => {
  expect(merged(layersOf('{}', { overlay: { mirrors: { gone: false } } })).of('gone')).toEqual(['overlay', null, []])
})

test.for([
  [
    { x: corp(1, { path: '/npm/' }) },
    'overlay.json: mirrors.x.path is "/npm/", but must be apart from /npm/, the path of mirrors.npm',
  ],
  [
    { x: corp(1, { path: '/admin/x' }) },
    'overlay.json: mirrors.x.path is "/admin/x/", but must be outside /admin/, which Warren itself answers',
  ],
  [{ x: corp(1, { protocol: 'gopher' }) }, 'overlay.json: mirrors.x.protocol is "gopher", but must be one of npm, oci'],
  [
    { x: { protocol: 'npm' } },
    'overlay.json: mirrors.x.upstreams is missing; it must be a list of the URLs that this mirror asks',
  ],
  [{ X: corp(1) }, 'overlay.json: mirrors.X must have a name of small letters, digits and -, such as mirrors.npm-corp'],
  [{ x: corp(1, { route: {} }) }, 'overlay.json: there is no setting mirrors.x.route; did you mean mirrors.x.routes?'],
] as const)('an overlay that cannot be is refused in the words of the file: %j', ([mirrors, problem]) => {
  expect(problemsOf(() => merged(layersOf('{}', { overlay: { mirrors } })))).toEqual([problem])
})

test.for([
  [{ x: corp(1, { path: '/npm/' }) }, 'must be apart from /npm/'],
  [{ x: 7 }, 'must be a group of protocol, path and upstreams, or false'],
] as const)('what the mesh says and cannot be here is left out, and told: %j', ([mirrors, problem]) => {
  const { of, left } = merged(layersOf('{}', { ledger: { mirrors: { ...mirrors, y: corp(2) } } }))
  expect([of('x'), of('y'), of('npm')?.[0]]).toEqual([undefined, ['ledger', at(2), []], 'built in'])
  expect(left).toEqual([expect.stringContaining(problem)])
})

test('where the mesh and this node want one path, this node has it', () => {
  const layers = layersOf('{}', {
    overlay: { mirrors: { mine: corp(1, { path: '/x/' }) } },
    ledger: { mirrors: { theirs: corp(2, { path: '/x/' }) } },
  })
  const { of, left } = merged(layers)
  expect([of('mine')?.[0], of('theirs')]).toEqual(['overlay', undefined])
  expect(left).toHaveLength(1)
})

test('of a mirror that the mesh cannot have here, the one of the file stays', () => {
  const file = `mirrors: {corp: {protocol: npm, upstreams: ["${at(3)}"]}}`
  const { of } = merged(layersOf(file, { ledger: { mirrors: { corp: corp(2, { path: '/npm/' }) } } }))
  expect(of('corp')?.slice(0, 2)).toEqual(['file', at(3)])
})

function policyOf(layers: Layers) {
  const left: string[] = []
  return { ...layeredPolicy(layers, { where: 'overlay.json', left: (what) => left.push(what) }), left }
}

test('of each setting of the policy the strongest layer counts, but what any denies or blocks is denied', () => {
  const layers = layersOf('policy: {allow: ["pkg:npm/a"], deny: ["pkg:npm/b"], minimumAge: 1d}', {
    overlay: { mirrors: {}, policy: { deny: ['pkg:npm/c'], minimumAge: '2d', blocks: [{ purl: 'pkg:npm/e', reason: 'bad' }] } },
    ledger: {
      mirrors: {},
      policy: { allow: ['pkg:npm/z'], deny: ['pkg:npm/d'], minimumAge: '3d', blocks: [{ purl: 'pkg:npm/f' }] },
    },
  })
  const { policy, blocks } = policyOf(layers)
  expect(policy).toMatchObject({ allow: ['pkg:npm/z'], minimumAge: { default: 2 * 86_400_000 } })
  expect(new Set(policy.deny)).toEqual(new Set(['pkg:npm/b', 'pkg:npm/c', 'pkg:npm/d']))
  expect(blocks).toEqual([
    { purl: 'pkg:npm/e', reason: 'bad', layer: 'overlay' },
    { purl: 'pkg:npm/f', layer: 'ledger' },
  ])
})

test('a setting that is wrong is refused in an overlay, and left out of the mesh', () => {
  const wrong = { mirrors: {}, policy: { deny: ['npm/b'] } }
  expect(problemsOf(() => policyOf(layersOf('{}', { overlay: wrong })))).toEqual([
    expect.stringMatching(/^overlay\.json: policy\.deny\[0\] is "npm\/b", but must be a package URL/),
  ])
  const { policy, left } = policyOf(
    layersOf('{}', { ledger: { mirrors: {}, policy: { ...wrong.policy, allow: ['pkg:npm/a'] } } }),
  )
  expect([policy.deny, policy.allow, left.length]).toEqual([[], ['pkg:npm/a'], 1])
})

test('what the mesh says is read one by one: one that is wrong opens nothing for the others, nor does their number', () => {
  const many = Array.from({ length: 1_500 }, (_, i) => ({ purl: `pkg:npm/bad-${i}` }))
  const policy = {
    allow: ['pkg:npm/a', 'npm/b'],
    deny: ['pkg:future/x', 'pkg:npm/d'],
    blocks: [{ purl: 'pkg:future/x' }, 7, ...many],
  }
  const { policy: now, left } = policyOf(layersOf('{}', { ledger: { mirrors: {}, policy } }))
  expect([now.allow, now.deny, now.blocks?.length]).toEqual([['pkg:npm/a'], ['pkg:npm/d'], 1_500])
  expect(left[0]?.split('\n')).toHaveLength(4)
})

test('a mirror that is told as an entry is the same one when it is read again', () => {
  const port = fc.integer({ min: 1, max: 65_535 })
  const entries = fc.record(
    {
      protocol: fc.constantFrom('npm', 'raw', 'pypi', 'go'),
      upstreams: fc.uniqueArray(port.map(at), { minLength: 1, maxLength: 3 }),
      routes: fc.dictionary(fc.constantFrom('a', 'b*', 'c.d/*'), fc.oneof(fc.constant(false), port.map(at)), { maxKeys: 2 }),
      lifetime: fc.constantFrom('5m', '1500ms'),
      local: fc.boolean(),
    },
    { requiredKeys: ['protocol', 'upstreams'] },
  )
  const base: Layers['base'] = { mirrors: [], policy: { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] } }
  const read = (entry: unknown): MirrorConfig | null | undefined => {
    const layers = { base, overlay: { mirrors: { x: entry }, policy: {} }, ledger: NO_LAYER }
    try {
      return layeredMirrors(layers, { ecosystems: all, where: '', left: () => {} })[0]?.mirror
    } catch {
      // Patterns that the ecosystem does not have.
      return undefined
    }
  }
  let same = 0
  fc.assert(
    fc.property(entries, (entry) => {
      const mirror = read(entry)
      if (!mirror) return
      expect(read(entryOf(mirror))).toEqual(mirror)
      same++
    }),
    { seed: 7, numRuns: 300 },
  )
  expect(same).toBeGreaterThan(100)
})
