import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { builtIns } from '../../node/built-ins.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { examplesIn } from '../harness/readme.ts'
import { useTempFolders } from '../harness/temp.ts'

const SCRIPT = fileURLToPath(new URL('../../deploy/kubernetes/components/containerd/hosts.sh', import.meta.url))

const folders = useTempFolders()

async function write(folder: string): Promise<string> {
  const done = await run(['sh', SCRIPT, folder], { cwd: '/', env: cleanEnv(), timeoutMs: 20_000 })
  expect(done).toMatchObject({ code: 0, stderr: '' })
  return done.stdout
}

const textOf = (folder: string, registry: string) => readFileSync(join(folder, registry, 'hosts.toml'), 'utf8')

test('each registry that a node has a mirror of gets what the README shows', async () => {
  const folder = join(folders.create(), 'certs.d')
  await write(folder)
  const registries = builtIns.flatMap(({ registry }) => (registry === undefined ? [] : [registry]))
  expect(readdirSync(folder).sort()).toEqual(registries.sort())
  const [shown] = examplesIn('toml').filter((text) => text.includes('server = "https://registry-1.docker.io"'))
  expect(textOf(folder, 'docker.io').replace(/^#.*\n/, '')).toBe(shown)
  expect(textOf(folder, 'quay.io')).toContain('server = "https://quay.io"')
  expect(readdirSync(join(folder, 'quay.io'))).toEqual(['hosts.toml'])
  expect(statSync(join(folder, 'quay.io/hosts.toml')).mode & 0o444).toBe(0o444)
})

test('what it wrote it brings up to date, and what somebody else wrote it leaves', async () => {
  const folder = folders.create()
  mkdirSync(join(folder, 'docker.io'))
  writeFileSync(join(folder, 'docker.io/hosts.toml'), 'server = "https://hub.corp.example"\n')
  expect(await write(folder)).toContain("docker.io/hosts.toml is somebody else's")
  expect(textOf(folder, 'docker.io')).toBe('server = "https://hub.corp.example"\n')
  const before = textOf(folder, 'gcr.io')
  writeFileSync(join(folder, 'gcr.io/hosts.toml'), before.replace('7470', '7999'))
  await write(folder)
  expect(textOf(folder, 'gcr.io')).toBe(before)
})
