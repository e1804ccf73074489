import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { DEAD_END } from '../harness/dead-end.ts'
import { GoClient } from '../harness/go-client.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { requirePip } from '../harness/pip.ts'
import { requirePoetry } from '../harness/poetry.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { started } from '../harness/scripted-files.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { requireUv } from '../harness/uv.ts'
import { SomeUser } from './set-up.ts'

const TIMEOUT_MS = 240_000
const LIMIT = { timeout: TIMEOUT_MS }

useLeakCheck()
const temp = useTempFolders()

function beside(name: string, upstream: string, files: Record<string, string>, more: Partial<MirrorConfig> = {}) {
  return SomeUser.besideBuiltIn(temp, name, upstream, files, more)
}

async function besideIndex(files: Record<string, string>): Promise<SomeUser> {
  const index = await scriptedIndex()
  index.publish({ name: 'requests', version: '1.0', requires: ['six'] })
  index.publish({ name: 'six', version: '1.0' })
  return beside('pypi', index.base, files)
}

const BOTH = expect.arrayContaining(['requests', 'six'])

test('pip', LIMIT, async (context) => {
  const python = await requirePip(context)
  const user = await besideIndex({ '.config/pip/pip.conf': '[install]\n# mine\nno-compile = true' })
  await user.setUp('pip', () => user.run([python, '-m', 'pip', 'install', '--no-cache-dir', '--target', 'site', 'requests']))
  expect(readdirSync(join(user.work, 'site'))).toEqual(BOTH)
})

test('pip that is led to an index of its own asks that one through the node', LIMIT, async (context) => {
  const python = await requirePip(context)
  const index = await scriptedIndex()
  index.publish({ name: 'own', version: '1.0' })
  const settings = `[global]\nindex-url = ${index.base}\n`
  const user = await beside('pypi', `http://${DEAD_END}/simple/`, { '.config/pip/pip.conf': settings })
  const install = [python, '-m', 'pip', 'install', '--no-cache-dir', '--target', 'site', 'own'] as const
  await user.setUp('pip', () => user.run(install), '--adopt')
  expect(readdirSync(join(user.work, 'site'))).toContain('own')
  const { mirrors, requests } = await user.node.status()
  expect(mirrors.map(({ upstreams }) => upstreams[0])).toContain(index.base)
  expect(requests.upstream).toBeGreaterThan(0)
})

test('uv', LIMIT, async (context) => {
  const python = await requirePip(context)
  const uv = await requireUv(context, python)
  const user = await besideIndex({ '.config/uv/uv.toml': '# mine\r\ncompile-bytecode = false' })
  const args = ['--python', python, '--target', 'site', '--only-binary', ':all:', 'requests']
  await user.setUp('uv', () => user.run([uv, 'pip', 'install', ...args], { UV_PYTHON_DOWNLOADS: 'never' }))
  expect(readdirSync(join(user.work, 'site'))).toEqual(BOTH)
})

test('Poetry', LIMIT, async (context) => {
  const python = await requirePip(context)
  const poetry = await requirePoetry(context, python)
  const project = '[tool.poetry]\nname = "x"\nversion = "1"\ndescription = ""\nauthors = []\npackage-mode = false # an app\n\n'
  const user = await besideIndex({ 'work/pyproject.toml': `${project}[tool.poetry.dependencies]\nrequests = "1.0"\n` })
  await user.setUp('poetry', () =>
    user.run([python, '-m', 'poetry', 'lock'], { PYTHONPATH: poetry, POETRY_VIRTUALENVS_CREATE: 'false' }),
  )
  expect(readFileSync(join(user.work, 'poetry.lock'), 'utf8')).toContain(`url = "${user.node.url}/pypi/simple"`)
})

test('go', LIMIT, async (context) => {
  const program = GoClient.require(context)
  const upstream = await started(new ScriptedGo())
  upstream.publish('ex.test/b', 'v0.1.0', { files: { 'b.go': 'package b\n' } })
  const files = { '.config/go/env': `GOFLAGS=-modcacherw\nGOSUMDB=${upstream.sumdb}\n`, 'work/go.mod': 'module main.test/m\n' }
  const user = await beside('go', upstream.url, files, { sumdb: upstream.sumdb })
  await user.setUp('go', () => user.run([program, 'get', 'ex.test/b@latest'], { GOTOOLCHAIN: 'local', GOVCS: '*:off' }))
  expect(readFileSync(join(user.work, 'go.mod'), 'utf8')).toContain('ex.test/b v0.1.0')
})

test('cargo', LIMIT, async (context) => {
  const program = requireTool(context, 'cargo')
  const registry = await started(new ScriptedCargo())
  registry.publish('leaf', '1.0.0')
  const user = await beside('cargo', registry.index, {
    '.cargo/config.toml': '[net] # mine\r\nretry = 1\r\n\r\n[build]\r\njobs = 1',
    'work/Cargo.toml': '[package]\nname = "project"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\nleaf = "1"\n',
    'work/src/main.rs': 'fn main() {}\n',
  })
  const rustup = process.env.RUSTUP_HOME ?? join(process.env.HOME ?? '', '.rustup')
  await user.setUp('cargo', () => user.run([program, 'fetch'], { RUSTUP_HOME: rustup, CARGO_HOME: join(user.home, '.cargo') }))
  expect(readFileSync(join(user.work, 'Cargo.lock'), 'utf8')).toContain('name = "leaf"')
})
