import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { succeeded } from '../harness/npm.ts'
import { useTempFolders } from '../harness/temp.ts'
import { missing, requireTool } from '../harness/tools.ts'

const FOLDER = fileURLToPath(new URL('../../deploy/systemd/', import.meta.url))
const UNIT = join(FOLDER, 'warren.service')
const TIMEOUT_MS = 50_000
/** Seconds that a node takes for its end at most (`warren up`). */
const STOP_LIMIT = 30
/** What `systemd-analyze security` still finds: a cache is on the network, and Node compiles while it runs. */
const LEFT_OPEN = ['IPAddressDeny', 'PrivateNetwork', 'MemoryDenyWriteExecute', 'RootDirectoryOrRootImage', 'DeviceAllow']
const FAMILIES = ['AF_INET_INET6', 'AF_NETLINK', 'AF_UNIX'].map((family) => `RestrictAddressFamilies_${family}`)
/** In tenths; «OK» is below 4, a unit without any of it has 96. */
const MOST_EXPOSED = 15

const folders = useTempFolders()

const unit = readFileSync(UNIT, 'utf8')
const valuesOf = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value)

/** A package as small as one can be, with the one thing that the script counts on. */
function smallPackage(says: string): string {
  const folder = folders.create('package')
  const bin = 'dist/admin/cli/warren.js'
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'warren-mesh', version: '1.0.0', bin: { warren: bin } }))
  mkdirSync(join(folder, 'dist/admin/cli'), { recursive: true })
  writeFileSync(join(folder, bin), `#!/usr/bin/env node\nconsole.log(${JSON.stringify(says)}, ...process.argv.slice(2))\n`)
  return folder
}

function install(root: string, args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const all = cleanEnv({
    HOME: folders.create('home'),
    DESTDIR: root,
    npm_config_offline: 'true',
    npm_config_install_links: 'true',
    ...env,
  })
  // Root of a hardened machine has a narrow mask.
  return run(['sh', '-c', 'umask 077; exec sh "$0" "$@"', join(FOLDER, 'install.sh'), ...args], {
    cwd: '/',
    env: all,
    timeoutMs: TIMEOUT_MS,
  })
}

test('systemd finds nothing wrong with what is installed', async (context) => {
  const analyze = requireTool(context, 'systemd-analyze')
  const root = folders.create('root')
  succeeded(await install(root, [smallPackage('one')]))
  // What the unit names is looked up from the top of the machine that it is for.
  mkdirSync(join(root, 'usr/lib/systemd/system'), { recursive: true })
  for (const name of ['network-online.target', 'sysinit.target', 'basic.target', 'shutdown.target'])
    copyFileSync(join('/usr/lib/systemd/system', name), join(root, 'usr/lib/systemd/system', name))
  const command = [analyze, 'verify', '--man=no', `--root=${root}`, 'warren.service'] as const
  const done = await run(command, { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS })
  expect(done).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

test('systemd finds the service confined but for what it needs', async (context) => {
  const analyze = requireTool(context, 'systemd-analyze')
  const security = (...args: string[]) =>
    run([analyze, 'security', '--offline=yes', ...args, UNIT], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS })
  const done = await security('--json=short')
  if (/unrecognized option|unknown option/i.test(done.stderr))
    missing(context, 'systemd-analyze', 'it is older than systemd 250')
  const findings = z
    .array(z.looseObject({ set: z.boolean().nullable(), name: z.string(), json_field: z.string().optional() }))
    .parse(JSON.parse(done.stdout))
  const open = findings.filter(({ set }) => set === false).map((one) => String(one.json_field ?? one.name))
  expect(open.filter((name) => ![...LEFT_OPEN, ...FAMILIES].includes(name))).toEqual([])
  expect(await security(`--threshold=${MOST_EXPOSED}`)).toMatchObject({ code: 0 })
})

test('the unit runs what the script installs, as the user that it makes', async () => {
  const root = folders.create('root')
  succeeded(await install(root, [smallPackage('one')]))
  const [start = ''] = valuesOf('ExecStart')
  const [program = '', ...args] = start.split(' ')
  const ran = await run([join(root, program), ...args], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS })
  // Its package is where it will be once the folder is the top of a machine.
  expect(ran.stderr).toContain('/opt/warren/lib/node_modules/warren-mesh/dist/admin/cli/warren.js')
  const wrapper = readFileSync(join(root, program), 'utf8').replace(' /opt/', ` ${root}/opt/`)
  const moved = join(root, 'moved')
  writeFileSync(moved, wrapper, { mode: 0o755 })
  expect(succeeded(await run([moved, ...args], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS })).stdout).toBe('one up\n')
  const [user] = valuesOf('User')
  expect(readFileSync(join(root, 'etc/sysusers.d/warren.conf'), 'utf8')).toMatch(
    new RegExp(`^u ${user} - "Warren" /var/lib/warren$`, 'm'),
  )
  expect(valuesOf('StateDirectory')).toEqual(['warren'])
  expect(readFileSync(join(root, 'etc/warren/config.yaml'), 'utf8')).toBe('data: /var/lib/warren\n')
  const modes = [dirname(program), 'etc/warren', 'etc/warren/config.yaml', 'opt/warren/lib/node_modules/warren-mesh']
  for (const path of modes) expect(statSync(join(root, path)).mode & 0o044).toBe(0o044)
  expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(STOP_LIMIT)
})

test('run again it updates, and leaves settings as they are', async () => {
  const root = folders.create('root')
  succeeded(await install(root, [smallPackage('one')]))
  writeFileSync(join(root, 'etc/warren/config.yaml'), 'data: /srv/warren\n')
  succeeded(await install(root, [smallPackage('two')]))
  expect(readFileSync(join(root, 'etc/warren/config.yaml'), 'utf8')).toBe('data: /srv/warren\n')
  const entry = join(root, 'opt/warren/lib/node_modules/warren-mesh/dist/admin/cli/warren.js')
  expect(readFileSync(entry, 'utf8')).toContain('two')
  expect(statSync(join(root, 'usr/local/bin/warren')).mode & 0o111).toBe(0o111)
})

test('a Node that a link leads to in a home folder is none for a service', async () => {
  const [root, bin] = [folders.create('root'), folders.create('bin')]
  writeFileSync(join(bin, 'node'), '#!/bin/sh\necho 24\n', { mode: 0o755 })
  // Stands for a link to there: nothing can be put into the home of somebody else.
  writeFileSync(join(bin, 'readlink'), '#!/bin/sh\necho /home/ann/.nvm/bin/node\n', { mode: 0o755 })
  const done = await install(root, [smallPackage('one')], { PATH: `${bin}:${process.env.PATH}` })
  expect(done).toMatchObject({ code: 1, stdout: '' })
  expect(done.stderr).toContain('/home/ann/.nvm/bin/node is in a home folder')
  expect(() => statSync(join(root, 'opt'))).toThrow('ENOENT')
})

test('a machine without the right Node is told so, and nothing is installed', async () => {
  const root = folders.create('root')
  const bin = folders.create('bin')
  writeFileSync(join(bin, 'node'), '#!/bin/sh\ncase $2 in *split*) echo 20 ;; *) echo 20.19.2 ;; esac\n', { mode: 0o755 })
  const done = await install(root, [smallPackage('one')], { PATH: `${bin}:${process.env.PATH}` })
  expect(done).toMatchObject({ code: 1, stdout: '' })
  expect(done.stderr).toBe(`install.sh: needs Node 24 or later, but ${bin}/node is Node 20.19.2\n`)
  expect(() => statSync(join(root, 'opt'))).toThrow('ENOENT')
})
