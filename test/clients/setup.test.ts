import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { started } from '../harness/scripted-files.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { npmCommand } from '../harness/tools.ts'
import { type ClientName, requireClient } from './package-managers.ts'
import { SomeUser } from './set-up.ts'

const TIMEOUT_MS = 240_000

useLeakCheck()
const temp = useTempFolders()

const QUIET = 'nodeLinker: node-modules # as ever\r\nenableTelemetry: false\r\nenableScripts: false\r\nenableGlobalCache: false'

/** Settings that somebody has, and how to install what package.json says. */
const CLIENTS: Readonly<Record<'npm' | ClientName, { files: Record<string, string>; install: readonly string[] }>> = {
  npm: { files: { '.npmrc': '; mine\r\naudit = false\r\nfund=false' }, install: ['install', '--ignore-scripts'] },
  pnpm: { files: { '.npmrc': 'update-notifier=false\n\n' }, install: ['install', '--ignore-scripts'] },
  yarn: { files: {}, install: ['install', '--ignore-scripts', '--non-interactive'] },
  berry: { files: { '.yarnrc.yml': QUIET }, install: ['install', '--no-immutable'] },
  bun: {
    files: { '.bunfig.toml': 'telemetry = false # no\n[install]\n# mine\n' },
    install: ['install', '--ignore-scripts', '--linker=hoisted'],
  },
}

test.for(['npm', 'pnpm', 'yarn', 'berry', 'bun'] as const)('%s', { timeout: TIMEOUT_MS }, async (name, context) => {
  const program = name === 'npm' ? undefined : await requireClient(context, name)
  const registry = new SyntheticRegistry({ packages: 2, odd: false })
  const replay = await started(new ReplayUpstream(registry.recording))
  const { files, install } = CLIENTS[name]
  const user = await SomeUser.beside(temp, { upstream: replay.url }, files)
  user.put('work/package.json', JSON.stringify(registry.project().manifest))
  if (name === 'berry') user.put('work/yarn.lock', '')
  const command: [string, ...string[]] =
    program === undefined ? npmCommand() : name === 'bun' ? [program] : [process.execPath, program]
  await user.setUp(name === 'berry' ? 'yarn' : name, () => user.run([...command, ...install]))
  for (const one of registry.installable) {
    const manifest = readFileSync(join(user.work, 'node_modules', one.name, 'package.json'), 'utf8')
    expect(JSON.parse(manifest)).toMatchObject({ name: one.name, version: one.version })
  }
  expect((await user.node.status()).requests.upstream).toBeGreaterThan(0)
  expect(readdirSync(user.home).filter((one) => one.includes('warren'))).toEqual([])
})
