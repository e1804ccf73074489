import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { VERSION } from '../../../node/version.ts'
import { cleanEnv, type Run, run } from '../../harness/child-process.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { requireTool } from '../../harness/tools.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const NEEDED = ['package.json', 'node/version.ts', 'admin/cli/version.ts']
const COMMIT = ['-c', 'user.name=t', '-c', 'user.email=t@example.test', 'commit', '-q', '--allow-empty', '-m', 'one']

const folders = useTempFolders()

function git(folder: string, ...args: string[]): Promise<Run> {
  return run(['git', ...args], { cwd: folder, env: cleanEnv({ HOME: folder }), timeoutMs: 10_000 })
}

/** What the command of a source tree in `inner` says of itself. */
async function toldBy(folder: string, env: Record<string, string> = {}): Promise<string> {
  const module = pathToFileURL(join(folder, 'admin/cli/version.ts')).href
  const program = `import(${JSON.stringify(module)}).then((version) => console.log(version.versionText()))`
  const ran = await run([process.execPath, '--eval', program], { cwd: folder, env: cleanEnv(env), timeoutMs: 20_000 })
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  return ran.stdout.trim()
}

test('the commit is that of the own checkout, not of a repository around it', async (context) => {
  requireTool(context, 'git')
  const outer = folders.create('outer')
  const inner = join(outer, 'inner')
  for (const file of NEEDED) cpSync(join(ROOT, file), join(inner, file))
  await git(outer, 'init', '-q')
  expect(await git(outer, ...COMMIT)).toMatchObject({ code: 0 })
  expect(await toldBy(inner)).toBe(VERSION)
  await git(inner, 'init', '-q')
  await git(inner, ...COMMIT)
  const { stdout } = await git(inner, 'rev-parse', '--short=12', 'HEAD')
  expect(await toldBy(inner)).toBe(`${VERSION} (${stdout.trim()})`)
  expect(await toldBy(inner, { PATH: folders.create('nothing') })).toBe(VERSION)
  // What a build wrote down counts, also that it knew of none.
  writeFileSync(join(inner, 'build.json'), JSON.stringify({ version: VERSION, commit: 'abc' }))
  expect(await toldBy(inner)).toBe(`${VERSION} (abc)`)
  writeFileSync(join(inner, 'build.json'), JSON.stringify({ version: VERSION }))
  expect(await toldBy(inner)).toBe(VERSION)
})
