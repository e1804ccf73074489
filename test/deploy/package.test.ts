import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { beforeAll, expect, type TestContext, test } from 'vitest'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { startNodeProcess } from '../harness/node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { npmCommand } from '../harness/tools.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** What npm says when there is no way to its registry; anything else is a failure of the package. */
const NO_REGISTRY =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|E50[234]\b/

const folders = useTempFolders('file')
const place = { tarball: '', installed: '', unreachable: '', commit: '' }

/** npm as the user of this machine has set it up: that is where the registry is named. */
function npm(args: readonly string[], cwd: string, timeoutMs: number): Promise<Run> {
  const [program, ...first] = npmCommand()
  return run([program, ...first, ...args], { cwd, env: { ...process.env, npm_config_update_notifier: 'false' }, timeoutMs })
}

beforeAll(async () => {
  const head = await run(['git', 'rev-parse', '--short=12', 'HEAD'], { cwd: ROOT, env: cleanEnv(), timeoutMs: 10_000 })
  // No checkout: a source archive.
  place.commit = head.code === 0 ? head.stdout.trim() : ''
  const packed = folders.create('packed')
  const pack = await npm(['pack', '--pack-destination', packed], ROOT, 120_000)
  expect(pack, pack.stdout + pack.stderr).toMatchObject({ code: 0 })
  place.tarball = join(packed, readdirSync(packed).find((name) => name.endsWith('.tgz')) ?? 'nothing was packed')
  const installed = folders.create('installed')
  writeFileSync(join(installed, 'package.json'), '{"private": true}')
  const install = await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', place.tarball], installed, 150_000)
  if (install.code !== 0 && NO_REGISTRY.test(install.stderr)) place.unreachable = install.stderr.split('\n', 1)[0] ?? ''
  else expect(install, install.stdout + install.stderr).toMatchObject({ code: 0 })
  place.installed = join(installed, 'node_modules/warren-mesh')
}, 300_000)

function requireInstalled(context: TestContext): string {
  if (place.unreachable) context.skip(`the npm registry of this machine cannot be reached: ${place.unreachable}`)
  return place.installed
}

function installedWarren(args: readonly string[], installed: string): Promise<Run> {
  const command = join(installed, '../.bin/warren')
  return run([command, ...args], {
    cwd: folders.create('cwd'),
    env: cleanEnv({ HOME: folders.create('home') }),
    timeoutMs: 30_000,
  })
}

test('publint finds nothing to object to', async () => {
  const { messages } = await publint({ pack: { tarball: new Uint8Array(readFileSync(place.tarball)).buffer }, strict: true })
  expect(messages.map((message) => message.code)).toEqual([])
})

test('the installed command tells version and commit', async (context) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const { code, stdout, stderr } = await installedWarren(['--version'], requireInstalled(context))
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.trim()).toBe(place.commit ? `${version} (${place.commit})` : version)
})

test('npx finds the one command that the package has', async (context) => {
  const folder = join(requireInstalled(context), '../..')
  const ran = await npm(['exec', '--offline', '--', 'warren-mesh', '--version'], folder, 30_000)
  expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: (await installedWarren(['--version'], place.installed)).stdout })
  expect(await npm(['exec', '--offline', '--', 'warren', '--version'], folder, 30_000)).toMatchObject({ stdout: ran.stdout })
})

test('the installed command shows its settings', async (context) => {
  const { code, stdout, stderr } = await installedWarren(['config'], requireInstalled(context))
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^listen +127\.0\.0\.1:7470 +built in$/m)
})

test('the installed command runs a node that stops when it is told to', async (context) => {
  const entry = join(requireInstalled(context), 'dist/admin/cli/warren.js')
  const node = await startNodeProcess({ data: folders.create('data'), entry })
  const { status } = await fetch(`${node.url}/readyz`)
  expect(status).toBe(200)
  expect((await fetch(`${node.admin}/admin/`)).headers.get('content-type')).toBe('text/html; charset=utf-8')
  await node.stop()
  expect(node.exitCode).toBe(0)
})

test('a program that uses the package is checked against its types', async (context) => {
  const modules = join(requireInstalled(context), '..')
  const folder = join(modules, '..')
  mkdirSync(join(modules, '@types'), { recursive: true })
  for (const name of ['@types/node', 'undici-types']) {
    // A dependency of a dependency may have brought it along.
    if (!existsSync(join(modules, name))) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  }
  const compilerOptions = { module: 'nodenext', strict: true, noEmit: true, skipLibCheck: true, types: ['node'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }))
  const check = async (text: string) => {
    writeFileSync(join(folder, 'program.mts'), `import { createNode, type Node } from 'warren-mesh'\n${text}\n`)
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    return (await run([process.execPath, tsc], { cwd: folder, env: cleanEnv(), timeoutMs: 60_000 })).stdout
  }
  expect(await check('export const stop = (node: Node): Promise<void> => node.stop()')).toBe('')
  expect(await check('await createNode(1)')).toContain("'number' is not assignable to parameter of type 'Config'")
})

test('nothing but the build is published', async (context) => {
  const installed = requireInstalled(context)
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual(['admin', 'build.json', 'node', 'protocols'])
  const files = readdirSync(join(installed, 'dist'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const kinds = new Set(files.map(({ name }) => name.replace(/^[^.]+/, '')))
  expect([...kinds].sort()).toEqual(['.css', '.d.ts', '.html', '.js', '.js.map', '.json', '.svg'])
})
