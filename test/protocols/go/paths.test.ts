import { describe, expect, it } from 'vitest'
import { escapeCase, isCanonical, isModulePath, unescapeCase } from '../../../protocols/go/names.ts'
import { parsePath, type Resource, upstreamPath } from '../../../protocols/go/paths.ts'
import { parseTile, tilePath } from '../../../protocols/go/tiles.ts'

const NAMED: [path: string, resource: Resource, canonical?: string][] = [
  ['ex.test/a/@v/list', { kind: 'list', module: 'ex.test/a' }],
  ['ex.test/a/@latest', { kind: 'latest', module: 'ex.test/a' }],
  ['ex.test/%21big/%21a/@v/list', { kind: 'list', module: 'ex.test/Big/A' }, 'ex.test/!big/!a/@v/list'],
  ['ex.test/!big/!a/@v/list', { kind: 'list', module: 'ex.test/Big/A' }],
  [
    'ex.test/a/@v/v1.0.0-%21r%21c1.info',
    { kind: 'info', module: 'ex.test/a', version: 'v1.0.0-RC1' },
    'ex.test/a/@v/v1.0.0-!r!c1.info',
  ],
  ['ex.test/a/@v/main.info', { kind: 'info', module: 'ex.test/a', version: 'main' }],
  ['ex.test/a/@v/v1.info', { kind: 'info', module: 'ex.test/a', version: 'v1' }],
  ['ex.test/a/@v/1a2b3c4.info', { kind: 'info', module: 'ex.test/a', version: '1a2b3c4' }],
  ['ex.test/a/@v/v2.0.0+incompatible.mod', { kind: 'mod', module: 'ex.test/a', version: 'v2.0.0+incompatible' }],
  [
    'ex.test/a/@v/v2.0.0%2Bincompatible.mod',
    { kind: 'mod', module: 'ex.test/a', version: 'v2.0.0+incompatible' },
    'ex.test/a/@v/v2.0.0+incompatible.mod',
  ],
  ['ex.test/a/v2/@v/v2.0.1.zip', { kind: 'zip', module: 'ex.test/a/v2', version: 'v2.0.1' }],
  ['gopkg.test/yaml.v3/@v/v3.0.1.zip', { kind: 'zip', module: 'gopkg.test/yaml.v3', version: 'v3.0.1' }],
  [
    'ex.test/x/text/@v/v0.0.0-20170915032832-14c0d48ead0c.zip',
    { kind: 'zip', module: 'ex.test/x/text', version: 'v0.0.0-20170915032832-14c0d48ead0c' },
  ],
  [
    'golang.test/toolchain/@v/v0.0.1-go1.22.0.linux-amd64.zip',
    { kind: 'zip', module: 'golang.test/toolchain', version: 'v0.0.1-go1.22.0.linux-amd64' },
  ],
  ['sumdb/sum.test/supported', { kind: 'supported', database: 'sum.test' }],
  ['sumdb/sum.test/latest', { kind: 'head', database: 'sum.test' }],
  ['sumdb/sum.test:8443/db/latest', { kind: 'head', database: 'sum.test:8443/db' }],
  [
    'sumdb/sum.test/lookup/ex.test/!big/!a@v1.0.0',
    { kind: 'record', database: 'sum.test', module: 'ex.test/Big/A', version: 'v1.0.0' },
  ],
  [
    'sumdb/sum.test/tile/8/0/x001/x234/067.p/12',
    { kind: 'tile', database: 'sum.test', tile: { height: 8, level: 0, number: 1_234_067, width: 12 } },
  ],
  [
    'sumdb/sum.test/tile/8/data/000',
    { kind: 'tile', database: 'sum.test', tile: { height: 8, level: 'data', number: 0, width: 256 } },
  ],
]

describe('a path of a module proxy', () => {
  it.each(NAMED)('«%s» names one thing, and is asked for in one spelling', (path, resource, canonical = path) => {
    expect(parsePath(path)).toEqual(resource)
    expect(upstreamPath(resource)).toBe(canonical)
    expect(parsePath(canonical)).toEqual(resource)
  })

  it.each([
    ['', 'ask for'],
    ['ex.test/a', 'ask for'],
    ['ex.test/Big/@v/list', 'capital letters'],
    ['ex.test/a/@v/v1.0.0-RC1.info', 'capital letters'],
    ['ex.test/!Big/@v/list', 'capital letters'],
    ['ex.test/a!/@v/list', 'capital letters'],
    ['ex.test/!1/@v/list', 'capital letters'],
    ['sumdb/sum.test/lookup/ex.test/Big@v1.0.0', 'capital letters'],
    ['ex.test/a/@v/main.zip', 'full version'],
    ['ex.test/a/@v/v1.0.mod', 'full version'],
    ['ex.test/a/@v/v1.0.0+meta.zip', 'full version'],
    ['ex.test/a/@v/v01.0.0.zip', 'full version'],
    ['sumdb/sum.test/lookup/ex.test/a@main', 'full version'],
    ['ex.test/a/@v/feature/x.info', 'ask for'],
    ['ex.test/a/@v/.info', 'ask for'],
    ['ex.test/a/@v/..info', 'branch or commit'],
    ['ex.test/a/@v/v1.0.0.ziphash', 'ask for'],
    ['example/a/@v/list', 'host name'],
    ['-ex.test/a/@v/list', 'host name'],
    ['ex.test/.a/@v/list', 'host name'],
    ['ex.test/a./@v/list', 'host name'],
    ['ex.test/a%2f..%2fb/@v/list', 'dot segment'],
    ['ex.test//a/@v/list', 'empty'],
    ['ex.test/a/@v/list/', 'empty'],
    ['ex.test/a%25/@v/list', 'only printable'],
    ['ex.test/a%00/@v/list', 'only printable'],
    ['ex.test/a\\b/@v/list', 'only printable'],
    ['ex.test/a/@v/l%', 'percent-escapes'],
    ['sumdb/sum.test/tile/8/0/x000/001', 'a tile is'],
    ['sumdb/sum.test/tile/8/0/1', 'a tile is'],
    ['sumdb/sum.test/tile/8/0/000.p/256', 'a tile is'],
    ['sumdb/sum.test/tile/8/0/000.p/0', 'a tile is'],
    ['sumdb/sum.test/tile/31/0/000', 'a tile is'],
    ['sumdb/sum.test/tile/0/0/000', 'a tile is'],
    ['sumdb/sum.test/tile/8/64/000', 'a tile is'],
    ['sumdb/sum.test/tile/08/0/000', 'a tile is'],
    ['sumdb/sum.test/else', 'ask for'],
  ])('«%s» is refused, and it says what would be right', (path, right) => {
    expect(() => parsePath(path)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', message: expect.stringContaining(right) }),
    )
  })
})

describe('names of Go', () => {
  it('are escaped so that no two differ in case only', () => {
    expect(escapeCase('github.test/BurntSushi/toml')).toBe('github.test/!burnt!sushi/toml')
    expect(unescapeCase('github.test/!burnt!sushi/toml')).toBe('github.test/BurntSushi/toml')
    expect([unescapeCase('A'), unescapeCase('!'), unescapeCase('!!a'), unescapeCase('!A')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('are versions for ever, or not', () => {
    const forEver = ['v0.0.0', 'v1.2.3-pre.0.1', 'v1.2.3-0a', 'v1.2.3-a-b.c', 'v2.0.0+incompatible', 'v1.0.0-rc.1+incompatible']
    const others = [
      'v1',
      'v1.2',
      '1.2.3',
      'v1.2.3-',
      'v1.2.3-01',
      'v1.2.3-a..b',
      'v1.2.3+x',
      'v1.2.03',
      'main',
      'latest',
      'v1.2.3\n',
      '',
    ]
    expect(forEver.filter((version) => !isCanonical(version))).toEqual([])
    expect(others.filter(isCanonical)).toEqual([])
  })

  it('are paths of modules, or not', () => {
    const good = ['ex.test', 'ex.test/a_b/c~d/v2', 'ex.test/A.b', 'a-b.ex.test/x']
    const bad = [
      '',
      'ex',
      'ex.test/',
      'Ex.test/a',
      'ex.test/a b',
      'ex.test/é',
      'ex.test/a@b',
      '.test/a',
      'ex_y.test/a',
      'ex.test/.git',
    ]
    expect(good.filter((path) => !isModulePath(path))).toEqual([])
    expect(bad.filter(isModulePath)).toEqual([])
  })
})

it('a tile has one path', () => {
  for (const number of [0, 7, 999, 1000, 1_234_067, 999_999_999]) {
    for (const [level, width] of [
      [0, 256],
      [3, 12],
      ['data', 256],
    ] as const) {
      const tile = { height: 8, level, number, width }
      expect(parseTile(tilePath(tile))).toEqual(tile)
    }
  }
  expect(tilePath({ height: 8, level: 0, number: 1_234_067, width: 12 })).toBe('tile/8/0/x001/x234/067.p/12')
})
