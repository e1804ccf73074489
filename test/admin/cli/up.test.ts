import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { clientLine } from '../../../admin/cli/clients.ts'
import { builtIns } from '../../../node/built-ins.ts'
import { cleanEnv } from '../../harness/child-process.ts'
import { type NodeProcess, type NodeProcessInit, startNodeProcess } from '../../harness/node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { requireTool } from '../../harness/tools.ts'
import { eventually, firstOf } from '../../harness/wait.ts'
import { ENTRY, runWarren } from './run-warren.ts'

const folders = useTempFolders()
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

async function node(init: Partial<NodeProcessInit> = {}): Promise<NodeProcess> {
  const started = await startNodeProcess({ data: folders.create('data'), ...init })
  cleanups.push(() => started.kill())
  return started
}

/** A registry that answers when it is told to. */
async function patientRegistry(): Promise<{ url: string; asked: Promise<ServerResponse> }> {
  const asked = Promise.withResolvers<ServerResponse>()
  return { url: await listening(createServer((_request, response) => asked.resolve(response))), asked: asked.promise }
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function exit(started: NodeProcess): Promise<number> {
  return eventually('the node has ended', () => (started.running ? undefined : { code: started.exitCode ?? -1 })).then(
    ({ code }) => code,
  )
}

test('it greets with the line that points each client at its mirror', async () => {
  const started = await node()
  const text = await eventually('it greets', () => started.output.includes('Ctrl-C stops it.') && started.output)
  const lines = text.split('\n').filter((line) => !line.startsWith('{'))
  const mirrors = builtIns.map((mirror) => {
    const url = started.url + mirror.path
    return [mirror.name, url, clientLine(mirror, { url, warren: 'warren' })]
  })
  expect(mirrors.every(([, , line]) => line)).toBe(true)
  expect(lines).toEqual([
    expect.stringMatching(/^Warren \d+\.\d+\.\d+ is ready$/),
    '',
    ...lines.slice(2, 2 + mirrors.length),
    '',
    expect.stringMatching(/^ {2}clients +warren setup --all$/),
    expect.stringMatching(new RegExp(`^  page +${started.admin}/admin/$`)),
    expect.stringMatching(new RegExp(`^  data +${started.data}$`)),
    '',
    'Ctrl-C stops it.',
    '',
  ])
  const cells = lines.slice(2, 2 + mirrors.length).map((line) => line.trim().split(/ {2,}/))
  expect(cells).toEqual(mirrors)
})

test.for([
  ['coloured', {}],
  ['plain with NO_COLOR', { NO_COLOR: '1' }],
] as const)('on a terminal it is readable, and %s', async ([, env], context) => {
  const script = requireTool(context, 'script')
  const data = folders.create('data')
  const command = `exec ${process.execPath} ${ENTRY} up --data ${data} --listen 127.0.0.1:0`
  const terminal = spawn(script, ['-qec', command, '/dev/null'], {
    env: cleanEnv({ HOME: data, TERM: 'xterm-256color', ...env }),
  })
  cleanups.push(async () => terminal.kill('SIGKILL'))
  let output = ''
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await eventually('it greets', () => output.includes('Ctrl-C stops it.'))
  const ended = firstOf(terminal, 'close')
  // What a terminal makes a SIGINT of.
  terminal.stdin.write('\x03')
  await ended
  expect(terminal.exitCode).toBe(0)
  const coloured = !('NO_COLOR' in env)
  expect(output.includes('\x1b[')).toBe(coloured)
  expect(output.includes('\x1b[36mhttp://127.0.0.1:')).toBe(coloured)
  const plain = stripVTControlCharacters(output)
  expect(plain).toMatch(/^\d\d:\d\d:\d\d {2}ready {2}listen=\["http:/m)
  expect(plain).toMatch(/^\d\d:\d\d:\d\d {2}stopped\r?$/m)
  expect(plain).not.toContain('{"level"')
})

test.for(['SIGINT', 'SIGTERM'] as const)('%s stops it with exit code 0', async (signal) => {
  const started = await node()
  await started.kill(signal)
  expect(started.exitCode).toBe(0)
  expect(started.output).toContain('warren: stopping;')
  expect(existsSync(join(started.data, 'node.json'))).toBe(false)
})

test('answers under way are finished, also when npm passes the same Ctrl-C on a second time', async () => {
  const registry = await patientRegistry()
  const started = await node({ config: { mirrors: { npm: { upstreams: [registry.url] } } } })
  const answer = fetch(`${started.url}/npm/left-pad`)
  const response = await registry.asked
  const gone = exit(started)
  process.kill(started.pid, 'SIGINT')
  process.kill(started.pid, 'SIGINT')
  await eventually('it is stopping', () => started.output.includes('warren: stopping;'))
  response.setHeader('content-type', 'application/json').end('{"name":"left-pad","versions":{},"dist-tags":{}}')
  expect((await answer).status).toBe(200)
  expect(await gone).toBe(0)
})

test('SIGTERM under load brings every answer to its end, those that still wait for their turn included', async () => {
  const held: (() => void)[] = []
  let hold = true
  const server = createServer((request, response) => {
    const answer = () => response.end(JSON.stringify({ name: request.url?.slice(1), versions: {}, 'dist-tags': {} }))
    if (hold) held.push(answer)
    else answer()
  })
  const registry = await listening(server)
  const started = await node({ config: { mirrors: { npm: { upstreams: [registry] } }, upstream: { concurrency: 4 } } })
  const names = Array.from({ length: 40 }, (_, i) => `p${i}`)
  const answers = names.map(async (name) => (await fetch(`${started.url}/npm/${name}`)).json())
  const upstream = async () => (await started.status()).upstream[0]
  await eventually('all are under way', async () => (await upstream())?.queued === 36)
  const gone = exit(started)
  process.kill(started.pid, 'SIGTERM')
  await eventually('it is stopping', () => started.output.includes('warren: stopping;'))
  await expect(fetch(`${started.url}/npm/late`)).rejects.toThrow()
  hold = false
  for (const answer of held) answer()
  expect(await Promise.all(answers)).toMatchObject(names.map((name) => ({ name })))
  expect(await gone).toBe(0)
})

test('a second Ctrl-C ends it at once', async () => {
  const registry = await patientRegistry()
  const started = await node({ config: { mirrors: { npm: { upstreams: [registry.url] } } } })
  const answer = fetch(`${started.url}/npm/left-pad`).catch(() => 'cut')
  await registry.asked
  process.kill(started.pid, 'SIGINT')
  await eventually('it is stopping', () => started.output.includes('warren: stopping;'))
  await setTimeout(700)
  process.kill(started.pid, 'SIGINT')
  expect(await exit(started)).toBe(130)
  expect(await answer).toBe('cut')
})

test('it stops as it should, too, when nobody reads any more what it says', async () => {
  const data = folders.create('data')
  const args = ['up', '--data', data, '--listen', '127.0.0.1:0']
  const child = spawn(process.execPath, [ENTRY, ...args], { env: cleanEnv({ HOME: data }), stdio: ['ignore', 'pipe', 'pipe'] })
  cleanups.push(async () => child.kill('SIGKILL'))
  await eventually('it serves', () => existsSync(join(data, 'node.json')))
  for (const output of [child.stdout, child.stderr]) output.destroy()
  const ended = firstOf(child, 'exit')
  child.kill('SIGINT')
  await ended
  expect([child.exitCode, child.signalCode]).toEqual([0, null])
})

test('edited mirrors are taken over while it runs; other settings and mistakes are told', async () => {
  const started = await node({ config: { log: { level: 'error' } } })
  const file = join(started.data, 'test-config.yaml')
  const paths = async () => (await started.status()).mirrors.map(({ path }) => path)
  expect(new Set(await paths())).toEqual(new Set(builtIns.map(({ path }) => path)))
  const corp = 'corp: {protocol: npm, upstreams: ["http://127.0.0.1:1"], routes: {"@corp": false}}'
  writeFileSync(file, `log: {level: debug}\nmirrors: {${corp}}\n`)
  await eventually('the mirror is there', async () => (await paths()).includes('/corp/'))
  const bound = await fetch(`${started.url}/corp/@corp/x`)
  expect([bound.status, await bound.text()]).toEqual([404, expect.stringContaining('mirrors.corp.routes says so')])
  await eventually('a restart is asked for', () => started.output.includes('warren: needs a restart: log.level\n'))
  writeFileSync(file, 'mirrors: {corp: {protocol: npm}}\n')
  await eventually('the mistake is told', () =>
    started.output.includes(`warren: the edit is not taken over: ${file}:1:17: mirrors.corp.upstreams is missing`),
  )
  expect(await paths()).toContain('/corp/')
})

test.for([
  ['a taken port', 'taken'],
  ['a data folder that another node uses', 'locked'],
] as const)('%s is told in one line', async ([, kind]) => {
  const running = await node()
  const data = kind === 'taken' ? folders.path('other') : running.data
  const listen = kind === 'taken' ? running.url.slice('http://'.length) : '127.0.0.1:0'
  const { code, stdout, stderr } = await up(data, listen)
  expect([code, stdout]).toEqual([1, ''])
  const message = {
    taken: `${listen} is taken by another process: stop that one, or choose another address with --listen (or --admin-listen)`,
    locked: `another node (pid ${running.pid}, ${running.url}) uses the data folder ${data}: stop it, or give this one its own with --data`,
  }[kind]
  expect(stderr).toBe(`warren: ${message}\n`)
  // The one that was there has lost nothing, the file that names it included.
  expect(existsSync(join(running.data, 'node.json'))).toBe(true)
  expect((await fetch(`${running.url}/readyz`)).status).toBe(200)
})

test.for([
  ['is a file', 'file', 'DATA is not a folder'],
  ['is below a file', 'file/sub', 'FOLDER/file is not a folder'],
  ['is a link to nowhere', 'link', 'DATA is not a folder'],
  [
    'has a file where the store should be',
    'full',
    "the folder DATA/store cannot be made or written: ENOTDIR: not a directory, open 'DATA/store/index.current'",
  ],
  ['cannot take the file that names the node', 'odd', "EISDIR: illegal operation on a directory, open 'DATA/node.json'"],
] as const)('a data folder that %s is told in one line, and nothing in it is lost', async ([, name, why]) => {
  const folder = folders.create()
  const data = join(folder, name)
  mkdirSync(join(folder, 'full'))
  mkdirSync(join(folder, 'odd/node.json'), { recursive: true })
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
  for (const file of ['file', 'full/store', 'odd/node.json/precious']) writeFileSync(join(folder, file), 'precious')
  const { code, stdout, stderr } = await up(data, '127.0.0.1:0')
  expect([code, stdout]).toEqual([1, ''])
  const reason = why.replaceAll('DATA', data).replaceAll('FOLDER', folder)
  expect(stderr).toBe(`warren: the data folder ${data} cannot be used: ${reason}; choose a writable one with --data\n`)
  for (const file of ['file', 'full/store', 'odd/node.json/precious'])
    expect(readFileSync(join(folder, file), 'utf8')).toBe('precious')
})

function up(data: string, listen: string) {
  return runWarren(['up', '--log-level', 'silent', '--data', data, '--listen', listen], { home: folders.create() })
}
