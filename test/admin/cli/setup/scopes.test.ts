import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { clientNamed } from '../../../../admin/cli/setup/clients.ts'
import { reportLines } from '../../../../admin/cli/setup/lines.ts'
import type { ClientMirror } from '../../../../admin/cli/setup/mirror.ts'
import { setUp } from '../../../../admin/cli/setup/set-up.ts'
import { builtIns } from '../../../../node/built-ins.ts'
import { useTempFolders } from '../../../harness/temp.ts'

const temp = useTempFolders()
const NODE = 'http://127.0.0.1:7470'
const MIRRORS: readonly ClientMirror[] = builtIns.map((one) => ({ ...one, url: NODE + one.path }))
const CORP: ClientMirror = {
  name: 'npm-corp',
  protocol: 'npm',
  upstreams: ['http://npm.corp.invalid/'],
  url: `${NODE}/npm-corp/`,
}

/** What is said to somebody with such files in the home folder, who sets these clients up. */
async function said(files: Readonly<Record<string, string>>, names: readonly string[], mirrors = MIRRORS): Promise<string[]> {
  const home = temp.create()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
  }
  const machine = { env: {}, root: home, home, folder: join(home, 'work'), user: 1_000, has: () => true }
  const own = { mirrors, listeners: [NODE], runs: true }
  const reports = []
  for (const name of names) reports.push(await setUp(clientNamed(name), own, machine, { write: false, replace: false }))
  expect(JSON.stringify(reports)).not.toContain('hunter2')
  const lines = reportLines(reports, { done: 'show', runs: true, output: process.stdout })
  return lines
    .map((line) => line.replaceAll(home, '~').trim())
    .filter((line) => !/^(?:[-+@] ?[-+@]?|while no node)/.test(line) || line.startsWith('@c'))
}

const npmrc = (url: string) => `@corp:registry=${url} ; ours\n//npm.corp.invalid/:_authToken=hunter2\n`
const ADD = 'warren mirrors add npm-npm-corp-invalid --protocol npm --upstream http://npm.corp.invalid/'
const PAST = (where: string) =>
  `packages of @corp go past the node, to http://npm.corp.invalid/ (${where}); to have them come by it:`

test('scopes that go past the node are named, once, with what makes an upstream of their registry', async () => {
  const lines = await said({ '.npmrc': npmrc('http://ann:hunter2@npm.corp.invalid') }, ['npm', 'pnpm', 'yarn', 'bun'])
  const at = lines.indexOf(PAST('~/.npmrc'))
  expect(lines.slice(at, at + 5)).toEqual([
    PAST('~/.npmrc'),
    ADD,
    `@corp:registry=${NODE}/npm-npm-corp-invalid/ in the place of what stands there`,
    'its login is the URL itself (~/.npmrc): the node wants it under «credentials» in its settings',
    'its login is //npm.corp.invalid/:_authToken in ~/.npmrc: the node wants it under «credentials» in its settings',
  ])
  expect(lines.filter((line) => line.includes('go past'))).toHaveLength(1)
})

test('where a mirror asks that registry already, its address is all that is wanted', async () => {
  const lines = await said({ '.npmrc': npmrc('http://npm.corp.invalid/') }, ['pnpm'], [...MIRRORS, CORP])
  const at = lines.indexOf(PAST('~/.npmrc'))
  expect(lines[at + 1]).toBe(`@corp:registry=${CORP.url} in the place of what stands there`)
  expect(lines.join()).not.toMatch(/mirrors add|login/)
  const [own = ''] = MIRRORS.find(({ protocol }) => protocol === 'npm')?.upstreams ?? []
  expect((await said({ '.npmrc': `@corp:registry=${own}\n` }, ['npm'])).join('\n')).toContain(`@corp:registry=${NODE}/npm/ in`)
})

test.for([
  [
    'yarn',
    '.yarnrc.yml',
    'npmScopes:\n  corp:\n    npmRegistryServer: "http://npm.corp.invalid"\n',
    'npmScopes: { corp: { npmRegistryServer: "URL" } }',
  ],
  ['yarn', '.yarnrc', '"@corp:registry" "http://npm.corp.invalid/"\n', '"@corp:registry" "URL"'],
  [
    'bun',
    '.bunfig.toml',
    '[install.scopes]\ncorp = { url = "http://npm.corp.invalid/", token = "hunter2" }\n',
    '"corp" = "URL", under [install.scopes]',
  ],
  [
    'bun',
    '.bunfig.toml',
    '[install.scopes]\n"@corp" = "http://ann:hunter2@npm.corp.invalid/"\n',
    '"@corp" = "URL", under [install.scopes]',
  ],
] as const)('%s has them in %s, too', async ([client, file, text, line]) => {
  const lines = await said({ [file]: text }, [client])
  const at = lines.indexOf(PAST(`~/${file}`))
  expect(lines.slice(at, at + 3)).toEqual([
    PAST(`~/${file}`),
    ADD,
    `${line.replace('URL', `${NODE}/npm-npm-corp-invalid/`)} in the place of what stands there`,
  ])
})

test('a scope that comes by the node needs no word', async () => {
  expect(
    (
      await said({ '.npmrc': `@corp:registry=http://localhost:7470/npm-corp/\n# @x:registry=http://x.invalid/\n` }, [
        'npm',
        'bun',
      ])
    ).join(),
  ).not.toContain('go past')
})
