import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CLIENTS, clientNamed } from '../../../../admin/cli/setup/clients.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { runWarren } from '../run-warren.ts'

const temp = useTempFolders()

/** A home folder, and a PATH in which there are these programs only. */
function machine(...programs: string[]) {
  const home = temp.create('home')
  const bin = join(home, 'bin')
  mkdirSync(bin)
  for (const name of programs) {
    writeFileSync(join(bin, name), '')
    chmodSync(join(bin, name), 0o755)
  }
  return { home, setup: (...args: string[]) => runWarren(['setup', ...args], { home, env: { PATH: bin } }) }
}

test('--all sets up what is installed, tells it as JSON, and takes it back', async () => {
  const { home, setup } = machine('npm', 'go')
  const written = await setup('--all', '--write', '--json')
  expect(written).toMatchObject({ code: 0, stderr: '' })
  const told = JSON.parse(written.stdout)
  expect(told).toMatchObject({ done: 'write', runs: false })
  expect(told.clients.map(({ client, isDone }: { client: string; isDone: boolean }) => [client, isDone])).toEqual([
    ['npm', true],
    ['go', true],
  ])
  expect(readFileSync(join(home, '.config/go/env'), 'utf8')).toBe('GOPROXY=http://127.0.0.1:7470/go/,direct\n')
  const again = await setup('npm', '--write')
  expect(again.stdout).toContain('is led there already')
  const back = await setup('npm', 'go', '--undo')
  expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining('is removed: there was none') })
  expect((await setup('npm', '--undo')).stdout).toBe('npm: nothing was written for it\n')
})

test.for([
  ['npm', 'pnpm'],
  ['pnpm', 'npm'],
] as const)(
  'a file that several clients read is told once when all is taken back, under %s that it was written for',
  async ([one, other]) => {
    const { home, setup } = machine('npm', 'pnpm')
    for (const name of [one, other]) await setup(name, '--write')
    const { clients } = JSON.parse((await setup('--all', '--undo', '--json')).stdout)
    const files = (clients as { client: string; files: { path: string }[] }[]).flatMap(({ client, files }) =>
      files.map(({ path }) => [client, path]),
    )
    expect(files).toEqual([[one, join(home, '.npmrc')]])
    // By its own name each of them takes it back.
    await setup(one, '--write')
    expect((await setup(other, '--undo')).stdout).toContain('is removed: there was none')
  },
)

test('a home folder that is named relative to the working folder is none', async () => {
  const home = temp.create('home')
  const env = { HOME: '.', XDG_CONFIG_HOME: 'xdg', WARREN_DATA: join(home, 'data') }
  const { code, stdout } = await runWarren(['setup', 'npm', 'pip', '--write'], { home, env })
  expect([code, stdout.match(/not done: there is no home folder/g)]).toEqual([1, expect.objectContaining({ length: 2 })])
  expect(readdirSync(home)).toEqual([])
})

test('what the node has no mirror for is a failure only for who names it', async () => {
  const { setup } = machine('npm', 'apt-get')
  expect(await setup('--all')).toMatchObject({ code: 0, stdout: expect.stringContaining('the node has no mirror of raw') })
  expect(await setup('apt')).toMatchObject({ code: 1, stdout: expect.stringContaining('the node has no mirror of raw') })
})

test('mirrors can be given to a running node only', async () => {
  const { code, stderr } = await machine('npm').setup('npm', '--adopt')
  expect([code, stderr]).toEqual([3, expect.stringContaining('no node runs that could be given mirrors')])
})

test.for([
  [['nmp'], 'there is no set-up of «nmp»; did you mean npm?'],
  [[], 'name a client, or say --all'],
  [['npm', '--all'], 'name clients, or say --all'],
  [['npm', '--write', '--undo'], "option '--write' cannot be used with option '--undo'"],
] as const)('%j is refused', async ([args, words]) => {
  const { code, stderr } = await machine().setup(...args)
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
})

test('each client is in the help, is found by its name, and says what becomes of it without a node', async () => {
  const { stdout } = await machine().setup('--help')
  const named = stdout
    .match(/^ +client((?: +\S.*\n)+)/m)?.[1]
    ?.split(/[\s,]+/)
    .filter(Boolean)
  expect(named).toEqual(CLIENTS.map(({ name }) => name))
  for (const client of CLIENTS) {
    expect(clientNamed(client.name)).toBe(client)
    expect(client.down).toMatch(/^it \S|^apt-get /)
  }
  expect(new Set(CLIENTS.map(({ name }) => name)).size).toBe(CLIENTS.length)
})
