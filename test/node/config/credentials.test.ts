import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect, isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { LoadedConfig } from '../../../node/config/load.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { load, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()

/** The logins as they would go out. */
function logins({ config }: LoadedConfig) {
  return (config.credentials ?? []).map((entry) => [
    entry.origin,
    ...('token' in entry ? [entry.token.reveal()] : [entry.username, entry.password.reveal()]),
    ...(entry.realm === undefined ? [] : [entry.realm]),
  ])
}

function fileWith(folder: string, content: string, name = 'secret'): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

test('a registry is named by its host, its origin or a name of Docker Hub', () => {
  const login = '{ username: ann, password: hunter2 }'
  const names = ['docker.io', 'ghcr.io', 'http://registry.example.test:5000', '"localhost:5000"']
  const text = `credentials:\n${names.map((name) => `  ${name}: ${login}\n`).join('')}`
  const origins = [
    'https://registry-1.docker.io',
    'https://ghcr.io',
    'http://registry.example.test:5000',
    'https://localhost:5000',
    'http://localhost:5000',
  ]
  expect(logins(loadText(folders.create(), text))).toEqual(origins.map((origin) => [origin, 'ann', 'hunter2']))
})

test('what comes with a login may be shared where that is said', () => {
  const text = 'credentials:\n  docker.io: { username: ann, password: hunter2, share: true }\n  quay.io: { token: t }\n'
  const { config } = loadText(folders.create(), text)
  expect((config.credentials ?? []).map(({ origin, share }) => [origin, share])).toEqual([
    ['https://registry-1.docker.io', true],
    ['https://quay.io', undefined],
  ])
})

test('passwords and tokens come from files as well, without the end of the line', () => {
  const folder = folders.create()
  const password = fileWith(folder, 'hunter2 \n', 'password')
  const token = fileWith(folder, 'tok.en\r\n', 'token')
  const text = `credentials:
  a.example.test: { username: ann, passwordFile: ${password} }
  b.example.test: { tokenFile: ${token}, realm: "https://login.example.org/token" }
  c.example.test: { token: plain }
`
  expect(logins(loadText(folder, text))).toEqual([
    ['https://a.example.test', 'ann', 'hunter2 '],
    ['https://b.example.test', 'tok.en', 'https://login.example.org/token/'],
    ['https://c.example.test', 'plain'],
  ])
})

test('they come from the environment as JSON', () => {
  const env = { WARREN_CREDENTIALS: '{"a.example.test": {"username": "ann", "password": "hunter2"}}' }
  expect(logins(load({ env }))).toEqual([['https://a.example.test', 'ann', 'hunter2']])
})

test('nothing shows them: neither settings, nor what they were written as, nor what they became', () => {
  const loaded = loadText(folders.create(), 'credentials:\n  ghcr.io: { username: ann, password: hunter2 }\n', {
    env: { WARREN_CREDENTIALS: '{"a.example.test": {"token": "hunter2"}}' },
  })
  expect(logins(loaded)).toEqual([['https://a.example.test', 'hunter2']])
  const shown = [
    JSON.stringify(loaded),
    inspect(loaded, { depth: 20, showHidden: true }),
    JSON.stringify([...loaded.sources]),
    inspect(loaded.sources, { depth: 20 }),
  ]
  for (const text of shown) expect(text).not.toContain('hunter2')
})

test('another password is another configuration', () => {
  const of = (password: string) =>
    load({ env: { WARREN_CREDENTIALS: `{"a.test": {"username": "a", "password": "${password}"}}` } })
  expect(isDeepStrictEqual(of('one').config, of('one').config)).toBe(true)
  expect(isDeepStrictEqual(of('one').config, of('two').config)).toBe(false)
})

const ENTRY = 'username with password or passwordFile, or token or tokenFile'

test.for([
  ['ghcr.io: hunter2', `credentials.ghcr.io is (not shown), but must be ${ENTRY}`],
  ['ghcr.io: { username: ann }', `credentials.ghcr.io is (not shown), but must be ${ENTRY}`],
  ['ghcr.io: { password: hunter2 }', `credentials.ghcr.io is (not shown), but must be ${ENTRY}`],
  ['ghcr.io: { username: ann, token: hunter2 }', `credentials.ghcr.io is (not shown), but must be ${ENTRY}`],
  [
    'ghcr.io: { username: ann, password: hunter2, passwordFile: SECRET }',
    `credentials.ghcr.io is (not shown), but must be ${ENTRY}`,
  ],
  [
    'ghcr.io: { username: ann, password: x, pasword: hunter2 }',
    'there is no setting credentials.pasword; did you mean credentials.password?',
  ],
  [
    'ghcr.io: { username: ann, password: 1234 }',
    'credentials.ghcr.io.password is (not shown), but must be a text of 1 to 16384 characters, in quotes where it is a number',
  ],
  [
    'ghcr.io: { username: "ann:hunter2", password: x }',
    'credentials.ghcr.io.username is (not shown), but must be a name without colons and control characters',
  ],
  [
    'ghcr.io: { token: "hunter2 hunter2" }',
    'credentials.ghcr.io.token is (not shown), but must be a token: printable ASCII characters without blanks',
  ],
  [
    'ghcr.io: { username: ann, passwordFile: /nowhere/hunter2 }',
    'credentials.ghcr.io.passwordFile is (not shown), but must be the absolute path of a file that this user can read and that holds nothing else',
  ],
  [
    'ghcr.io/team: { token: hunter2 }',
    'credentials.ghcr.io/team is (not shown), but must be named by a registry, such as ghcr.io, or its origin, such as http://localhost:5000',
  ],
  [
    'docker.io: { token: hunter2 }\n  index.docker.io: { token: hunter2 }',
    'credentials.index.docker.io is (not shown), but must be left out: it is the same registry as docker.io',
  ],
] as const)('%s is refused without a word of the secret', ([entry, problem]) => {
  const folder = folders.create()
  const text = `credentials:\n  ${entry.replace('SECRET', fileWith(folder, 'hunter2'))}\n`
  const problems = problemsOf(() => loadText(folder, text), folder)
  expect(problems).toEqual([expect.stringMatching(/^config\.yaml:\d:\d+: /)])
  expect(problems[0]?.replace(/^config\.yaml:\d:\d+: /, '')).toBe(problem)
})

test('what is no JSON in the environment is refused without a word of it', () => {
  const [problem, ...others] = problemsOf(() => load({ env: { WARREN_CREDENTIALS: '{"a.test": {"token": "hunter2"' } }))
  expect([problem, others]).toEqual([
    `WARREN_CREDENTIALS: credentials is (not shown), but must be a group of registries, such as docker.io, each with ${ENTRY}`,
    [],
  ])
})

test("Docker's configuration is named by the absolute path of a file that can be read", () => {
  const folder = folders.create()
  const path = fileWith(folder, '{}', 'config.json')
  expect(loadText(folder, `dockerConfig: ${path}\n`).config.dockerConfig).toBe(path)
  for (const wrong of ['config.json', join(folder, 'none.json'), folder]) {
    expect(problemsOf(() => loadText(folder, `dockerConfig: ${wrong}\n`))).toEqual([
      expect.stringContaining('must be the absolute path of a file that this user can read'),
    ])
  }
})
