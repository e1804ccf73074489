import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { type LoadedConfig, loadConfig } from '../../../node/config/load.ts'
import { ConfigWatch } from '../../../node/config/watch.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { ecosystems, load } from './setup.ts'

/** Ms after which an edit would have been noticed, if it were to be. */
const SETTLED = 500

useLeakCheck()
const folders = useTempFolders()
const running = new Set<ConfigWatch>()

afterEach(() => {
  for (const watch of running) watch.stop()
  running.clear()
})

const corp = (path: string) => `mirrors: {corp: {protocol: npm, path: ${path}, upstreams: ["http://127.0.0.1:1"]}}\n`

function makePipe(path: string): void {
  const [program, ...args] = ['mkfifo', path] as const
  execFileSync(program, args)
}

/** What a watch tells, in order; `next` waits for the one after those that were taken. */
class Told {
  readonly #events = new EventEmitter()
  readonly #queue: string[] = []

  push(text: string): void {
    this.#queue.push(text)
    this.#events.emit('told')
  }

  async next(): Promise<string> {
    while (this.#queue.length === 0) await once(this.#events, 'told')
    return this.#queue.shift() ?? ''
  }

  get waiting(): number {
    return this.#queue.length
  }
}

function watched(load: () => LoadedConfig, takeOver: (path: string) => void = () => {}): Told {
  const told = new Told()
  const watch = new ConfigWatch({
    loaded: load(),
    load,
    onMirrors: (mirrors) => {
      takeOver(mirrors.at(-1)?.path ?? '')
      told.push(`mirrors ${mirrors.map(({ path }) => path).join(' ')}`)
    },
    onPolicy: (policy) => told.push(`policy ${policy.deny.join(' ')}`),
    onRestartNeeded: (keys) => told.push(`restart ${keys.join(' ')}`),
    onInvalid: (error) => told.push(`${error.code} ${error.message}`),
  })
  watch.start()
  running.add(watch)
  return told
}

function watchedFile(text: string): { file: string; told: Told } {
  const file = join(folders.create(), 'config.yaml')
  writeFileSync(file, text)
  const load = () => loadConfig({ configFile: file, env: {}, home: '/home/ann', flags: new Map(), ecosystems })
  return { file, told: watched(load) }
}

test('an edit in place changes the mirrors', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  writeFileSync(file, corp('/b/'))
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})

test.for([
  ['routes: {"@a": false}', 'routes: {"@a": "http://127.0.0.1:2"}'],
  ['routes: {"@a/b": false, "@a": "http://127.0.0.1:2"}', 'routes: {"@a/*": "http://127.0.0.1:2"}'],
  ['routes: {a: false, b: false}', 'routes: {b: false, a: false}'],
  ['lifetime: 1m', 'lifetime: 2m'],
  ['tarballUrls: rewrite', 'tarballUrls: preserve'],
  ['upstreams: ["http://127.0.0.1:1"]', 'upstreams: ["http://127.0.0.1:1", {url: "http://127.0.0.1:2", only: [a]}]'],
] as const)('an edit from %s to %s is taken over', async ([before, after]) => {
  const { file, told } = watchedFile(`mirrors: {npm: {${before}}}\n`)
  writeFileSync(file, `mirrors: {npm: {${after}}}\n`)
  expect(await told.next()).toBe('mirrors /npm/ /v2/')
})

test('what cannot be taken over after all is told, and tried again with the next edit', async () => {
  const file = join(folders.create(), 'config.yaml')
  writeFileSync(file, corp('/a/'))
  const load = () => loadConfig({ configFile: file, env: {}, home: '/home/ann', flags: new Map(), ecosystems })
  const gone = new Set(['/b/'])
  const told = watched(load, (path) => {
    if (gone.delete(path)) throw new Error(`${path} is gone`)
  })
  writeFileSync(file, corp('/b/'))
  expect(await told.next()).toBe('CONFIG_INVALID /b/ is gone')
  writeFileSync(file, `${corp('/b/')}# again\n`)
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})

test('an edit changes the policy and needs no restart', async () => {
  const { file, told } = watchedFile('policy: {deny: [pkg:npm/a]}\n')
  writeFileSync(file, 'policy: {deny: [pkg:npm/b], minimumAge: 3d}\n')
  expect(await told.next()).toBe('policy pkg:npm/b')
  writeFileSync(file, 'policy: {deny: [left-pad]}\n')
  expect(await told.next()).toContain('policy.deny[0] is "left-pad", but must be a package URL')
  writeFileSync(file, '')
  expect(await told.next()).toBe('policy ')
  await setTimeout(SETTLED)
  expect(told.waiting).toBe(0)
})

test('a file that takes the place of the old one changes the mirrors, again and again', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  for (const path of ['/b/', '/c/', '/d/']) {
    writeFileSync(`${file}.new`, corp(path))
    renameSync(`${file}.new`, file)
    expect(await told.next()).toBe(`mirrors /npm/ /v2/ ${path}`)
  }
})

test('an invalid edit is told once and changes nothing; mending it is taken over', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  writeFileSync(file, corp('/admin/'))
  expect(await told.next()).toContain(': mirrors.corp.path is "/admin/", but must be outside /admin/')
  // The same mistake in a file that was written again.
  writeFileSync(file, `${corp('/admin/')}# again\n`)
  await setTimeout(SETTLED)
  writeFileSync(file, corp('/b/'))
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})

test('a change of other settings is told, and told again when it was taken back', async () => {
  const { file, told } = watchedFile('log: {level: info}\n')
  writeFileSync(file, 'log: {level: debug}\nstore: {minFree: 5%}\n')
  expect(await told.next()).toBe('restart log.level store.minFree')
  writeFileSync(file, 'log: {level: info}\n')
  expect(await told.next()).toBe('restart ')
})

test('an edit that changes nothing is not told', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  writeFileSync(file, `# a comment\n${corp('/a/')}`)
  await setTimeout(SETTLED)
  writeFileSync(file, corp('/b/'))
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})

test('a file that is taken away and comes back is followed', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  rmSync(file)
  expect(await told.next()).toMatch(/^CONFIG_INVALID .*config must name a file/)
  writeFileSync(file, corp('/b/'))
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})

test('the file of the user is followed from the moment it appears, with all the folders above it', async () => {
  const home = folders.create()
  const told = watched(() => loadConfig({ env: {}, home, flags: new Map(), ecosystems }))
  const file = join(home, '.config/warren/config.yaml')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, corp('/a/'))
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /a/')
  writeFileSync(file, corp('/b/'))
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
  rmSync(join(home, '.config'), { recursive: true })
  expect(await told.next()).toBe('mirrors /npm/ /v2/')
})

test('a link that is turned to another folder, as Kubernetes does, changes the mirrors', async () => {
  const folder = folders.create()
  const version = (name: string, path: string) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'config.yaml'), corp(path))
    symlinkSync(name, join(folder, '..data.new'))
    renameSync(join(folder, '..data.new'), join(folder, '..data'))
  }
  version('..1', '/a/')
  const configFile = join(folder, 'config.yaml')
  symlinkSync('..data/config.yaml', configFile)
  const told = watched(() => loadConfig({ configFile, env: {}, home: '/home/ann', flags: new Map(), ecosystems }))
  version('..2', '/b/')
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})

test('after stop nothing is told, and stopping twice is fine', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  for (const watch of running) {
    watch.stop()
    watch.stop()
  }
  writeFileSync(file, corp('/b/'))
  await setTimeout(SETTLED)
  expect(told.waiting).toBe(0)
})

test('an edit between loading and watching is not missed', async () => {
  const file = join(folders.create(), 'config.yaml')
  writeFileSync(file, corp('/a/'))
  const load = () => loadConfig({ configFile: file, env: {}, home: '/home/ann', flags: new Map(), ecosystems })
  const loaded = load()
  writeFileSync(file, corp('/b/'))
  const seen = Promise.withResolvers<string>()
  const watch = new ConfigWatch({
    loaded,
    load,
    onMirrors: (mirrors) => seen.resolve(mirrors.map(({ path }) => path).join(' ')),
    onPolicy: () => {},
    onRestartNeeded: () => {},
    onInvalid: () => {},
  })
  running.add(watch)
  watch.start()
  expect(await seen.promise).toBe('/npm/ /v2/ /b/')
})

test('settings that came out of a pipe are not read a second time', async () => {
  const folder = folders.create()
  const [file, pipe] = [join(folder, 'config.yaml'), join(folder, 'pipe')]
  writeFileSync(file, corp('/a/'))
  makePipe(pipe)
  let loaded = { ...load({ configFile: file }), file: pipe, candidates: [pipe] }
  const told = watched(() => {
    const given = loaded
    loaded = { ...load(), file: pipe, candidates: [pipe] }
    return given
  })
  await setTimeout(SETTLED)
  expect(told.waiting).toBe(0)
})

test('a pipe that takes the place of the file is refused without being opened', async () => {
  const { file, told } = watchedFile(corp('/a/'))
  makePipe(`${file}.new`)
  renameSync(`${file}.new`, file)
  expect(await told.next()).toBe(`CONFIG_INVALID ${file}: is no regular file any more; put one there`)
  writeFileSync(`${file}.new`, corp('/b/'))
  renameSync(`${file}.new`, file)
  expect(await told.next()).toBe('mirrors /npm/ /v2/ /b/')
})
