import { describe, expect, test } from 'vitest'
import type { Ecosystem } from '../../../node/config/ecosystems.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { ecosystems, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()
const SHA256 = `sha256:${'ab'.repeat(32)}`
const KEY = `sum.example.test+033de0ae+${'A'.repeat(44)}`

const files: Ecosystem = {
  name: 'files',
  builtIn: false,
  mounts: '/files/',
  defaultUpstreams: [],
  settings: ['fileHosts', 'sumdb', 'immutable', 'mutable', 'pins'],
  rootAliases: [],
}
const jars: Ecosystem = {
  name: 'jars',
  builtIn: { name: 'central', path: '/jars/central/' },
  mounts: '/jars/',
  defaultUpstreams: ['https://jars.example.test/'],
  settings: [],
  rootAliases: [],
}
const known = { ecosystems: [...ecosystems, files, jars] }
const UP = 'upstreams: ["https://f.test"]'

function mirrorsIn(text: string) {
  return loadText(folders.create(), `mirrors:\n  ${text}\n`, known).config.mirrors
}

describe('a mirror', () => {
  test('of a protocol with a mount of its own for each is mounted below that', () => {
    const mirrors = mirrorsIn(
      `google: {protocol: jars, ${UP}}\n  apt: {protocol: files, ${UP}}\n  corp: {protocol: npm, ${UP}}`,
    )
    expect(mirrors.map(({ name, path }) => [name, path])).toEqual([
      ['npm', '/npm/'],
      ['oci', '/v2/'],
      ['central', '/jars/central/'],
      ['google', '/jars/google/'],
      ['apt', '/files/apt/'],
      ['corp', '/corp/'],
    ])
  })

  test('has the settings of its protocol, in the form in which they are used', () => {
    const mirror = mirrorsIn(
      `f: {protocol: files, ${UP}, lifetime: 1m, fileHosts: [A.test, "b.test:8080"], sumdb: ${KEY}, immutable: [/pool/*], mutable: ["*.json"], pins: {/a/b.tgz: "${SHA256}"}}`,
    ).at(-1)
    expect(mirror).toEqual({
      name: 'f',
      protocol: 'files',
      path: '/files/f/',
      upstreams: ['https://f.test/'],
      local: false,
      lifetime: 60_000,
      fileHosts: ['a.test', 'b.test:8080'],
      sumdb: KEY,
      immutable: ['pool/*'],
      mutable: ['*.json'],
      pins: { 'a/b.tgz': { algorithm: 'sha256', hex: 'ab'.repeat(32) } },
    })
  })

  test('has none that nobody set, but for tarballUrls', () => {
    expect(mirrorsIn(`f: {protocol: files, ${UP}, sumdb: off}`).at(-1)).toEqual({
      name: 'f',
      protocol: 'files',
      path: '/files/f/',
      upstreams: ['https://f.test/'],
      local: false,
      sumdb: 'off',
    })
    expect(mirrorsIn('npm: {lifetime: 0}')[0]).toMatchObject({ lifetime: 0, tarballUrls: 'rewrite' })
  })
})

test.for([
  [
    'npm: {fileHosts: [a.test], pins: {}}',
    '2:20: mirrors.npm.fileHosts is ["a.test"], but must be left out: npm has no such thing',
    '2:36: mirrors.npm.pins is {}, but must be left out: npm has no such thing',
  ],
  [
    `f: {protocol: files, ${UP}, tarballUrls: rewrite}`,
    '2:68: mirrors.f.tarballUrls is "rewrite", but must be left out: files has no such thing',
  ],
  [
    'npm: {lifetime: 60}',
    '2:19: mirrors.npm.lifetime is 60, but must be a duration from 0s to 365d with its unit, such as 500ms, 10s, 5m, 2h or 7d',
  ],
  [
    `f: {protocol: files, ${UP}, fileHosts: ["https://a.test"]}`,
    '2:67: mirrors.f.fileHosts[0] is "https://a.test", but must be a host with or without a port, such as files.example.test',
  ],
  [
    `f: {protocol: files, ${UP}, sumdb: sum.test}`,
    '2:62: mirrors.f.sumdb is "sum.test", but must be off, or the key of a checksum database as GOSUMDB has it: its name, a plus, eight digits of hex, a plus and base64',
  ],
  [
    `f: {protocol: files, ${UP}, pins: {a: md}}`,
    '2:65: mirrors.f.pins.a is "md", but must be a digest, such as sha256: and 64 digits of lower-case hex',
  ],
  [
    `f: {protocol: files, ${UP}, pins: {a: "h1:${'ab'.repeat(32)}"}}`,
    `2:65: mirrors.f.pins.a is "h1:${'ab'.repeat(32)}", but must be a digest, such as sha256: and 64 digits of lower-case hex`,
  ],
  [
    `f: {protocol: files, ${UP}, pins: {a/../b: "${SHA256}"}}`,
    `2:70: mirrors.f.pins.a/../b is "${SHA256}", but must be that of a path without «.», «..» and empty parts, such as dists/stable/InRelease`,
  ],
  [
    `f: {protocol: files, ${UP}, mutable: ["a b"]}`,
    '2:65: mirrors.f.mutable[0] is "a b", but must be a path below the base in which * stands for any characters, such as *.tar.gz',
  ],
  [
    `f: {protocol: files, ${UP}, path: /jars/central/f}`,
    '2:61: mirrors.f.path is "/jars/central/f/", but must be apart from /jars/central/, the path of mirrors.central',
  ],
  ['f: {protocol: tar}', '2:17: mirrors.f.protocol is "tar", but must be one of npm, oci, files, jars'],
] as const)('the mirror %s is refused with what would be right', ([mirror, ...wrong]) => {
  const folder = folders.create()
  expect(problemsOf(() => loadText(folder, `mirrors:\n  ${mirror}\n`, known), folder)).toEqual(
    wrong.map((problem) => `config.yaml:${problem}`),
  )
})
