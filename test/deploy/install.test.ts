import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { DEAD_END } from '../harness/dead-end.ts'
import { useTempFolders } from '../harness/temp.ts'
import { firstOf } from '../harness/wait.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))
const SETTING_UP = 'Setting up: npm ci, which takes a minute or so (once for each change of package-lock.json)'

const folders = useTempFolders()

/** A checkout whose only dependency lies in itself, so that npm asks no registry: a `node` that tells a version. */
class Checkout {
  readonly folder = folders.create('checkout')

  constructor(init: { nodeVersion?: string } = {}) {
    mkdirSync(join(this.folder, 'deploy'))
    for (const script of ['install.mjs', 'checkout-lock.mjs', 'page.mjs', 'registry.mjs', 'running-node.mjs'])
      cpSync(join(DEPLOY, script), join(this.folder, 'deploy', script))
    const bin = { node: 'node.sh' }
    this.write('fake-node/package.json', { name: 'node', version: '24.0.0', bin })
    this.write('fake-node/node.sh', `#!/bin/sh\necho ${init.nodeVersion ?? 'v24.0.0'}\n`)
    chmodSync(join(this.folder, 'fake-node/node.sh'), 0o755)
    const root = { name: 'checkout', version: '1.0.0', dependencies: { node: 'file:fake-node' } }
    this.write('package.json', root)
    this.write('package-lock.json', {
      name: root.name,
      version: root.version,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': root,
        'fake-node': { name: 'node', version: '24.0.0', bin },
        'node_modules/node': { resolved: 'fake-node', link: true },
      },
    })
  }

  get stamp(): string {
    return join(this.folder, 'node_modules/.warren-stamp')
  }

  write(path: string, content: string | object): void {
    const file = join(this.folder, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }

  /** As if the lockfile had come with an update. */
  change(): void {
    this.write('package-lock.json', `${readFileSync(join(this.folder, 'package-lock.json'), 'utf8')}\n`)
  }

  install(init: { nodeArgs?: readonly string[]; env?: Record<string, string> } = {}): Promise<Run> {
    const script = join(this.folder, 'deploy/install.mjs')
    return run([process.execPath, ...(init.nodeArgs ?? []), script], {
      cwd: folders.create('elsewhere'),
      env: cleanEnv({ HOME: folders.create('home'), ...init.env }),
      timeoutMs: 50_000,
    })
  }
}

test('it installs on a fresh clone, and again only when the lockfile changed', async () => {
  const checkout = new Checkout()
  const first = await checkout.install()
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout.split('\n')[0]).toBe(SETTING_UP)
  expect(existsSync(join(checkout.folder, 'node_modules/.bin/node'))).toBe(true)
  expect(await checkout.install()).toMatchObject({ code: 0, stdout: '', stderr: '' })

  checkout.change()
  expect((await checkout.install()).stdout).toContain(SETTING_UP)
  expect(await checkout.install()).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

test('two commands at once on a fresh clone install once', async () => {
  const checkout = new Checkout()
  const runs = await Promise.all([checkout.install(), checkout.install(), checkout.install()])
  for (const { code } of runs) expect(code).toBe(0)
  const output = runs.map(({ stdout }) => stdout).join('')
  expect(output.split(SETTING_UP)).toHaveLength(2)
  expect(existsSync(checkout.stamp)).toBe(true)
  expect(existsSync(join(checkout.folder, 'node_modules.lock'))).toBe(false)
})

test('an installation that fails leaves no stamp and tells what npm said', async () => {
  const checkout = new Checkout()
  await checkout.install()
  const manifest = JSON.parse(readFileSync(join(checkout.folder, 'package.json'), 'utf8'))
  checkout.write('package.json', { ...manifest, dependencies: { ...manifest.dependencies, other: 'file:other' } })
  checkout.change()
  const { code, stderr } = await checkout.install()
  expect(code).toBe(1)
  expect(stderr).toMatch(/npm error .*in sync/)
  expect(stderr.trimEnd().split('\n').at(-1)).toBe('warren: npm ci failed (1); what it says above is the reason')
  expect(existsSync(join(checkout.folder, 'node_modules.lock'))).toBe(false)
  expect((await checkout.install()).code).toBe(1)
})

test('what a link in place of node_modules leads to is left alone', async () => {
  const checkout = new Checkout()
  const other = folders.create('other')
  writeFileSync(join(other, 'kept'), 'of another checkout')
  symlinkSync(other, join(checkout.folder, 'node_modules'))
  const { code, stdout, stderr } = await checkout.install()
  expect([code, stdout, stderr]).toEqual([
    1,
    '',
    `warren: node_modules is a link to ${other}, which npm ci would empty; delete the link («rm node_modules»; that folder stays) and try again\n`,
  ])
  expect(readFileSync(join(other, 'kept'), 'utf8')).toBe('of another checkout')
})

/** An npm that writes down what it is asked, and then does it. */
function listeningNpm() {
  const folder = folders.create('npm')
  writeFileSync(
    join(folder, 'npm'),
    `#!/bin/sh\necho "$*" >> '${join(folder, 'asked')}'\nPATH=\${PATH#*${delimiter}} exec npm "$@"\n`,
    { mode: 0o755 },
  )
  const ci = () => readFileSync(join(folder, 'asked'), 'utf8').match(/^ci .*$/m)?.[0]
  return { env: { PATH: `${folder}${delimiter}${process.env.PATH}` }, ci }
}

test('after «warren setup npm» it goes past the node while none runs, since it may be the one to be set up', async () => {
  const led = `http://${DEAD_END}/npm/`
  const npm = listeningNpm()
  const { code, stdout } = await new Checkout().install({ env: { ...npm.env, npm_config_registry: led } })
  expect(code).toBe(0)
  const told = stdout.match(/^npm is led to (\S+), where nobody answers; this set-up asks (https:\/\/\S+)$/m)
  expect(told?.[1]).toBe(led)
  expect(npm.ci()).toMatch(new RegExp(` --registry=${told?.[2]}$`))
})

test('a registry on this machine that answers is asked', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const npm = listeningNpm()
  const npm_config_registry = `http://127.0.0.1:${Object(server.address()).port}/npm/`
  const { code, stdout } = await new Checkout().install({ env: { ...npm.env, npm_config_registry } })
  expect([code, stdout]).toEqual([0, expect.not.stringContaining('npm is led to')])
  expect(npm.ci()).not.toContain('--registry')
})

test('a node that runs from the checkout keeps its modules', async () => {
  const checkout = new Checkout()
  await checkout.install()
  checkout.write('admin/cli/warren.js', "console.log('up'); setInterval(() => {}, 1_000)")
  const node = spawn(process.execPath, [join(checkout.folder, 'admin/cli/warren.js'), 'up'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void node.kill('SIGKILL'))
  await firstOf(node.stdout, 'data')
  expect(await checkout.install()).toMatchObject({ code: 0, stdout: '', stderr: '' })

  checkout.change()
  const { code, stdout, stderr } = await checkout.install()
  expect([code, stdout, stderr]).toEqual([
    1,
    '',
    `warren: package-lock.json has changed, and npm ci would take its modules from the node that runs from this folder (process ${node.pid}); stop it (Ctrl-C, or «kill ${node.pid}») and try again\n`,
  ])
  expect(existsSync(checkout.stamp)).toBe(true)
  node.kill()
  await firstOf(node, 'close')
  expect((await checkout.install()).code).toBe(0)
})

test('an installation without the right Node is none, and says what to do', async () => {
  const checkout = new Checkout({ nodeVersion: 'v20.20.2' })
  const { code, stderr } = await checkout.install()
  expect(code).toBe(1)
  expect(stderr).toBe(
    'warren: Node 24 did not come with the dependencies (found v20.20.2), since npm ran without install scripts; allow them («npm config delete ignore-scripts») and try again\n',
  )
  expect(existsSync(checkout.stamp)).toBe(false)
})

test('a machine without npm is told so', async () => {
  const { code, stderr } = await new Checkout().install({ env: { PATH: folders.create('empty') } })
  expect(code).toBe(1)
  expect(stderr).toBe('warren: npm cannot be run: spawn npm ENOENT; it comes with Node, and must be in PATH\n')
})

test('an old Node is told which one is needed', async () => {
  const shim = join(folders.create(), 'version.cjs')
  writeFileSync(
    shim,
    `Object.defineProperty(process, 'version', { value: 'v18.20.0' })
     Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } })`,
  )
  const checkout = new Checkout()
  const { code, stderr } = await checkout.install({ nodeArgs: ['--require', shim] })
  expect([code, stderr]).toEqual([
    1,
    'warren: needs Node 20 or later, but this is Node 18.20.0; install a newer one and try again\n',
  ])
  expect(existsSync(join(checkout.folder, 'node_modules'))).toBe(false)
})
