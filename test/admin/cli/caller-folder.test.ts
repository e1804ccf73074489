import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { runWarren } from './run-warren.ts'

const MANIFEST = fileURLToPath(new URL('../../../package.json', import.meta.url))

const temp = useTempFolders()

/** Where somebody is, with a lockfile, and where npm runs the script. */
function folders() {
  const home = temp.create('home')
  const caller = join(home, 'project')
  mkdirSync(caller)
  writeFileSync(join(caller, 'requirements.txt'), 'six==1.16.0\n')
  writeFileSync(join(home, 'package.json'), '{}')
  return { home, caller }
}

const ask = (home: string, env: Record<string, string>) =>
  runWarren(['get', '--lockfile', 'requirements.txt', '--node', 'http://127.0.0.1:1'], { home, env })

test.for(['warren', 'start'])('«npm run %s» in a checkout takes files from where it was called', async (script) => {
  const { home, caller } = folders()
  const { code, stderr } = await ask(home, { INIT_CWD: caller, npm_package_json: MANIFEST, npm_lifecycle_event: script })
  expect(stderr).toContain('no node answers')
  expect(code).toBe(3)
})

test('a script of another package takes files of that package, as any program there', async () => {
  const { home, caller } = folders()
  const npm = { INIT_CWD: caller, npm_lifecycle_event: 'warren' }
  for (const manifest of [join(home, 'package.json'), join(home, 'gone.json')]) {
    const { code, stderr } = await ask(home, { ...npm, npm_package_json: manifest })
    expect(stderr).toContain('requirements.txt cannot be read')
    expect(code).toBe(2)
  }
})

test('a caller whose folder is gone is told what cannot be read', async () => {
  const { home, caller } = folders()
  const gone = { INIT_CWD: join(caller, 'gone'), npm_package_json: MANIFEST, npm_lifecycle_event: 'warren' }
  expect((await ask(home, gone)).stderr).toContain('requirements.txt cannot be read')
})
