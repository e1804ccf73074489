import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtIns } from '../../../node/built-ins.ts'
import { Ledger } from '../../../node/ledger/ledger.ts'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()

function withFile(text: string): { home: string; file: string } {
  const home = folders.create('home')
  mkdirSync(join(home, '.config/warren'), { recursive: true })
  const file = join(home, '.config/warren/config.yaml')
  writeFileSync(file, text)
  return { home, file }
}

test('each setting is shown with where it comes from and what it shadows', async () => {
  const { home, file } = withFile(
    'log:\n  level: warn\nstore: {minFree: 5GiB}\nmirrors:\n  corp: {protocol: npm, upstreams: ["https://corp.test"]}\n',
  )
  const { code, stdout, stderr } = await runWarren(['config', '--log-level', 'debug'], {
    home,
    env: { WARREN_LOG_LEVEL: 'error' },
  })
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.split('\n').map((line) => line.split(/ {2,}/))
  expect(lines[0]).toEqual(['file', file])
  expect(lines).toContainEqual(['setting', 'value', 'from', 'shadows'])
  expect(lines).toContainEqual([
    'log.level',
    'debug',
    '--log-level',
    `error (WARREN_LOG_LEVEL); warn (${file}:2:10); info (built in)`,
  ])
  expect(lines).toContainEqual(['store.minFree', '5GiB', `${file}:3:18`, '10% (built in)'])
  expect(lines).toContainEqual(['hosts', '(none)', 'built in'])
  expect(lines).toContainEqual(['mesh.ephemeral', 'false', 'built in'])
  expect(lines).toContainEqual(['publicUrl', '(not set)', 'WARREN_PUBLIC_URL, or publicUrl in the file'])
  expect(lines).toContainEqual(['mirrors.corp', 'npm /corp/ https://corp.test/', `${file}:5:9`])
})

test('what was changed at the node by REST is shown as a layer of its own', async () => {
  const { home, file } = withFile(
    'policy: {deny: ["pkg:npm/a"]}\nmirrors: {corp: {protocol: npm, upstreams: ["https://corp.test"]}}\n',
  )
  const data = join(home, 'data')
  mkdirSync(data)
  const overlay = join(data, 'overlay.json')
  const mirrors = { corp: { protocol: 'npm', path: '/c/', upstreams: ['https://other.test'] }, npm: false }
  const policy = { deny: ['pkg:npm/b'], minimumAge: '2d', blocks: [{ purl: 'pkg:npm/c', reason: 'bad' }] }
  writeFileSync(overlay, JSON.stringify({ v: 1, mirrors, policy }), { mode: 0o600 })
  const { stdout, stderr } = await runWarren(['config', '--data', data], { home })
  expect(stderr).toBe('')
  const rows = new Map(
    stdout
      .split('\n')
      .map((line) => line.split(/ {2,}/))
      .map(([key, ...cells]) => [key, cells]),
  )
  expect(rows.get('mirrors.corp')).toEqual(['npm /c/ https://other.test/', overlay, `npm https://corp.test (${file}:2:17)`])
  expect(rows.get('mirrors.npm')?.slice(0, 2)).toEqual(['taken away', overlay])
  expect(rows.get('policy.deny')).toEqual(['pkg:npm/a pkg:npm/b', `${overlay}, ${file}:1:16`])
  expect(rows.get('policy.minimumAge')).toEqual(['2d', overlay, '0s (built in)'])
  expect(rows.get('policy.blocks')?.[0]).toContain('pkg:npm/c')
  writeFileSync(overlay, '{}', { mode: 0o600 })
  const wrong = await runWarren(['config', '--data', data], { home })
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(`${overlay} is no overlay of this version`)])
})

test('what the mesh says is shown as a layer between the file and what was changed at the node', async () => {
  const { home } = withFile(
    'policy: {deny: ["pkg:npm/a"]}\nmirrors: {own: {protocol: npm, upstreams: ["https://own.test"], local: true}}\n',
  )
  const data = join(home, 'data')
  expect((await runWarren(['mesh', 'create', '--data', data], { home })).code).toBe(0)
  const folder = new MeshFolder(data)
  const key = folder.adminKey() ?? expect.unreachable('there is an admin key')
  const ledger = new Ledger({ onTrouble: expect.unreachable }, { folder: folder.path, adminKey: key.publicKey })
  for (const name of ['npm', 'own', 'corp'])
    ledger.issue(
      'mirrors.set',
      { name, entry: { protocol: 'npm', path: `/${name}-x/`, upstreams: ['https://mesh.test'] } },
      key,
      0,
    )
  ledger.issue('policy.set', { setting: 'deny', value: ['pkg:npm/b'] }, key, 0)
  ledger.issue('policy.block', { purl: 'pkg:npm/c', reason: 'bad' }, key, 0)
  const overlay = join(data, 'overlay.json')
  const policy = { blocks: [{ purl: 'pkg:npm/d' }] }
  writeFileSync(overlay, JSON.stringify({ v: 1, mirrors: { corp: false }, policy }), { mode: 0o600 })
  const { stdout, stderr } = await runWarren(['config', '--data', data], { home })
  expect(stderr).toBe('')
  const rows = new Map(stdout.split('\n').map((line) => [line.split(' ')[0], line.split(/ {2,}/).slice(1)]))
  expect(rows.get('mirrors.npm')?.slice(0, 2)).toEqual(['npm /npm-x/ https://mesh.test/', 'the mesh'])
  expect(rows.get('mirrors.npm')?.[2]).toContain('(built in)')
  expect(rows.get('mirrors.own')?.[0]).toBe('npm /own/ https://own.test/')
  expect(rows.get('mirrors.corp')).toEqual(['taken away', overlay, 'npm /corp-x/ https://mesh.test (the mesh)'])
  expect(rows.get('policy.deny')?.slice(0, 1)).toEqual(['pkg:npm/a pkg:npm/b'])
  expect(rows.get('policy.blocks')).toEqual(['pkg:npm/d pkg:npm/c bad', `${overlay}, the mesh`])
})

test('a mirror that preserves tarball URLs is shown with that', async () => {
  const { home } = withFile('mirrors: {corp: {protocol: npm, upstreams: ["https://corp.test"], tarballUrls: preserve}}\n')
  const { stdout } = await runWarren(['config'], { home })
  expect(stdout).toContain('npm /corp/ https://corp.test/ tarballUrls: preserve  ')
})

test('names that are bound have lines of their own, and what is shadowed says where its own led', async () => {
  const { home, file } = withFile('mirrors: {npm: {upstreams: ["https://a.test"], routes: {"@corp/*": "https://old.test"}}}\n')
  const npm = { upstreams: ['https://a.test'], routes: { '@corp/*': 'https://corp.test', '@secret': false }, lifetime: '30s' }
  const { code, stdout } = await runWarren(['config'], { home, env: { WARREN_MIRRORS: JSON.stringify({ npm }) } })
  expect(code).toBe(0)
  const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
  const at = lines.findIndex(([key]) => key === 'mirrors.npm')
  expect(lines.slice(at, at + 3)).toEqual([
    [
      'mirrors.npm',
      'npm /npm/ https://a.test/ lifetime: 30 s',
      'WARREN_MIRRORS',
      expect.stringContaining(`https://a.test @corp/*: https://old.test (${file}:1:16); npm /npm/ `),
    ],
    ['@corp/* only at https://corp.test/'],
    ['@secret nowhere'],
  ])
  const shown = await runWarren(['config', '--json'], { home, env: { WARREN_MIRRORS: JSON.stringify({ npm }) } })
  expect(JSON.parse(shown.stdout).config.mirrors[0]).toMatchObject({
    lifetime: 30_000,
    routes: [{ pattern: '@corp/*', upstream: 'https://corp.test/' }, { pattern: '@secret' }],
  })
})

test('columns begin at the same place in every line', async () => {
  const { stdout } = await runWarren(['config'], { home: folders.create() })
  const lines = stdout.trimEnd().split('\n')
  const heading = lines.findIndex((line) => line.startsWith('setting'))
  const value = lines[heading]?.indexOf('value') ?? -1
  for (const line of lines.slice(heading)) expect(line.slice(value - 2, value + 1)).toMatch(/^ {2}\S$/)
})

test('with --json everything can be read by a program', async () => {
  const none = JSON.stringify(Object.fromEntries(builtIns.map(({ name }) => [name, false])))
  const { home, file } = withFile(`listen: 127.0.0.1:0\nmirrors: ${none}\n`)
  const { code, stdout } = await runWarren(['config', '--json'], { home })
  expect(code).toBe(0)
  const shown = JSON.parse(stdout)
  expect(shown).toMatchObject({
    file,
    config: { listen: [{ host: '127.0.0.1', port: 0 }], mirrors: [] },
    sources: {
      listen: {
        origin: 'file',
        where: `${file}:1:9`,
        value: ['127.0.0.1:0'],
        shadows: [{ origin: 'default', value: ['127.0.0.1:7470'] }],
      },
      'mirrors.npm': { origin: 'file', value: false, shadows: [{ origin: 'default', value: { protocol: 'npm' } }] },
    },
  })
})

test('the working directory configures nothing', async () => {
  const home = folders.create()
  for (const name of ['config.yaml', 'warren.yaml', '.warren.yaml']) writeFileSync(join(home, name), 'log: {level: trace}\n')
  const { stdout } = await runWarren(['config', '--json'], { home })
  expect(JSON.parse(stdout)).toMatchObject({ file: null, config: { log: { level: 'info' } } })
})

test('paths in flags are those of the shell', async () => {
  const home = folders.create()
  writeFileSync(join(home, 'mine.yaml'), 'log: {level: warn}\n')
  const { stdout } = await runWarren(['config', '--json', '--config', 'mine.yaml', '--data', 'cache'], { home })
  expect(JSON.parse(stdout)).toMatchObject({
    file: join(home, 'mine.yaml'),
    config: { data: join(home, 'cache'), log: { level: 'warn' } },
  })
})

test('every mistake has its line, and the exit code is 2', async () => {
  const { home, file } = withFile('log: {level: loud}\nlistn: x\n')
  const { code, stdout, stderr } = await runWarren(['config'], { home, env: { WARREN_HOST: 'x' } })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr.trimEnd().split('\n')).toEqual([
    `warren: ${file}:2:1: there is no setting listn; did you mean listen?`,
    'warren: WARREN_HOST: there is no such setting; did you mean WARREN_HOSTS?',
    `warren: ${file}:1:14: log.level is "loud", but must be one of trace, debug, info, warn, error, fatal, silent`,
  ])
})
