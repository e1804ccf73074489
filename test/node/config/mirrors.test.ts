import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { load, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()
const UP = 'upstreams: ["https://corp.example.test/"]'

test('an entry is completed from the built-in mirror of its name', () => {
  const { config } = loadText(folders.create(), `mirrors:\n  npm: {${UP}}\n`)
  expect(config.mirrors[0]).toEqual({
    name: 'npm',
    protocol: 'npm',
    path: '/npm/',
    upstreams: ['https://corp.example.test/'],
    tarballUrls: 'rewrite',
    local: false,
  })
})

test('a new mirror is mounted under its name', () => {
  const { config } = loadText(folders.create(), `mirrors:\n  corp: {protocol: npm, ${UP}}\n`)
  expect(config.mirrors.at(-1)).toMatchObject({ name: 'corp', path: '/corp/' })
})

test('an entry in the environment stands for the whole entry in the file', () => {
  const { config, sources } = loadText(folders.create(), `mirrors:\n  corp: {protocol: npm, path: /a/, ${UP}}\n`, {
    env: { WARREN_MIRRORS: '{"corp": {"protocol": "npm", "upstreams": ["http://127.0.0.1:1"]}, "oci": false}' },
  })
  expect(config.mirrors.map(({ name, path, upstreams }) => [name, path, upstreams])).toEqual([
    ['npm', '/npm/', ['https://npm.example.test/']],
    ['corp', '/corp/', ['http://127.0.0.1:1/']],
  ])
  expect(sources.get('mirrors.corp')).toMatchObject({
    origin: 'environment',
    where: 'WARREN_MIRRORS',
    shadows: [{ origin: 'file' }],
  })
})

test('false in the environment takes away what the file adds', () => {
  const { config } = loadText(folders.create(), `mirrors:\n  corp: {protocol: npm, ${UP}}\n`, {
    env: { WARREN_MIRRORS: '{"corp": false}' },
  })
  expect(config.mirrors.map(({ name }) => name)).toEqual(['npm', 'oci'])
})

test('a path that a built-in mirror gave up is free', () => {
  const { config } = loadText(folders.create(), `mirrors:\n  npm: false\n  corp: {protocol: npm, path: /npm/, ${UP}}\n`)
  expect(config.mirrors.map(({ name, path }) => [name, path])).toEqual([
    ['oci', '/v2/'],
    ['corp', '/npm/'],
  ])
})

test('a built-in mirror gives way when it is told to', () => {
  const { config } = loadText(
    folders.create(),
    `mirrors:\n  npm: {path: /public/}\n  corp: {protocol: npm, path: /npm/, ${UP}}\n`,
  )
  expect(config.mirrors.map(({ name, path }) => [name, path])).toEqual([
    ['npm', '/public/'],
    ['oci', '/v2/'],
    ['corp', '/npm/'],
  ])
})

const cases: readonly (readonly [mirrors: string, problem: string])[] = [
  ['corp: true', '2:9: mirrors.corp is true, but must be a group of protocol, path and upstreams, or false'],
  ['corp:', '2:8: mirrors.corp is null, but must be a group of protocol, path and upstreams, or false'],
  ['corp: {}', '2:9: mirrors.corp.protocol is missing; it must be one of npm, oci'],
  [`corp: {protocol: nmp, ${UP}}`, '2:20: mirrors.corp.protocol is "nmp", but must be one of npm, oci'],
  ['corp: {protocol: npm}', '2:9: mirrors.corp.upstreams is missing; it must be a list of the URLs that this mirror asks'],
  [
    'npm: {protocol: oci, path: /v2/x}',
    '2:8: mirrors.npm.upstreams is missing; it must be a list of the URLs that this mirror asks',
  ],
  ['corp: {protocol: npm, upstreams: []}', '2:36: mirrors.corp.upstreams is [], but must be a list of 1 to 64 URLs'],
  ['npm: {upstream: [x]}', '2:9: there is no setting mirrors.npm.upstream; did you mean mirrors.npm.upstreams?'],
  [
    'npm: {upstreams: [npm.corp.test]}',
    '2:21: mirrors.npm.upstreams[0] is "npm.corp.test", but must be an http or https URL, such as https://packages.example.test/npm/',
  ],
  [
    'npm: {upstreams: ["https://ann:secret@npm.corp.test/"]}',
    '2:21: mirrors.npm.upstreams[0] is "https://…@npm.corp.test/", but must be a URL without user name and password: URLs show in logs and in «warren status»; credentials belong under the key credentials, by registry',
  ],
  [
    'npm: {upstreams: ["https://npm.corp.test/?a=1"]}',
    '2:21: mirrors.npm.upstreams[0] is "https://npm.corp.test/?a=1", but must be a URL without ? and #',
  ],
  [
    'npm: {upstreams: ["https://npm.corp.test/#a"]}',
    '2:21: mirrors.npm.upstreams[0] is "https://npm.corp.test/#a", but must be a URL without ? and #',
  ],
  [
    'npm: {upstreams: ["https://a.test", "https://A.test:443/"]}',
    '2:39: mirrors.npm.upstreams[1] is "https://A.test:443/", but must be a URL that the list does not have yet',
  ],
  [
    'npm: {path: "/a/../b/"}',
    '2:15: mirrors.npm.path is "/a/../b/", but must be a path of letters, digits and ._~- between slashes, such as /npm-corp/',
  ],
  [
    'npm: {path: /}',
    '2:15: mirrors.npm.path is "/", but must be a path of letters, digits and ._~- between slashes, such as /npm-corp/',
  ],
  [
    'npm: {path: /a%2fb/}',
    '2:15: mirrors.npm.path is "/a%2fb/", but must be a path of letters, digits and ._~- between slashes, such as /npm-corp/',
  ],
  [
    'npm: {path: //npm/}',
    '2:15: mirrors.npm.path is "//npm/", but must be a path of letters, digits and ._~- between slashes, such as /npm-corp/',
  ],
  ['npm: {path: /admin}', '2:15: mirrors.npm.path is "/admin/", but must be outside /admin/, which Warren itself answers'],
  [
    'npm: {path: /metrics/npm/}',
    '2:15: mirrors.npm.path is "/metrics/npm/", but must be outside /metrics/, which Warren itself answers',
  ],
  [
    'npm: {path: /healthz}',
    '2:15: mirrors.npm.path is "/healthz/", but must be outside /healthz/, which Warren itself answers',
  ],
  ['npm: {path: /readyz}', '2:15: mirrors.npm.path is "/readyz/", but must be outside /readyz/, which Warren itself answers'],
  ['npm: {path: /v2/npm}', '2:15: mirrors.npm.path is "/v2/npm/", but must be outside /v2/, where clients of oci ask'],
  [
    'oci: {path: /-/npm}',
    '2:15: mirrors.oci.path is "/-/npm/", but must be outside /-/npm/v1/attestations/, where clients of npm ask',
  ],
  [
    `corp: {protocol: npm, path: npm, ${UP}}`,
    '2:31: mirrors.corp.path is "/npm/", but must be apart from /npm/, the path of mirrors.npm',
  ],
  [
    `corp: {protocol: npm, path: /npm/corp/, ${UP}}`,
    '2:31: mirrors.corp.path is "/npm/corp/", but must be apart from /npm/, the path of mirrors.npm',
  ],
  ['Corp: false', '2:3: mirrors.Corp must have a name of small letters, digits and -, such as mirrors.npm-corp'],
  ['nmp: false', '2:8: mirrors.nmp is false, but there is no mirror of that name to take away; built in are npm, oci'],
]

test.for(cases)('the mirror %s is refused with what would be right', ([mirror, problem]) => {
  const folder = folders.create()
  expect(problemsOf(() => loadText(folder, `mirrors:\n  ${mirror}\n`), folder)).toEqual([`config.yaml:${problem}`])
})

test('mistakes in several mirrors are told at once', () => {
  const folder = folders.create()
  const text = `mirrors:\n  a: {protocol: npm, ${UP}, path: /x/}\n  b: {protocol: npm, ${UP}, path: /x/}\n  c: {protocol: npm, upstreams: [x]}\n`
  const problems = problemsOf(() => loadText(folder, text), folder)
  expect(problems.map((line) => line.split(' ')[1])).toEqual(['mirrors.c.upstreams[0]', 'mirrors.b.path'])
})

test('a node has at most 256 mirrors', () => {
  const entry = { protocol: 'npm', upstreams: ['http://127.0.0.1:1'] }
  const mirrors = (amount: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: amount }, (_, i) => [`m${i}`, entry])))
  expect(load({ env: { WARREN_MIRRORS: mirrors(254) } }).config.mirrors).toHaveLength(256)
  expect(problemsOf(() => load({ env: { WARREN_MIRRORS: mirrors(255) } }))).toEqual([
    'mirrors: there are 257, but a node has at most 256',
  ])
})
