import { spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../harness/child-process.ts'
import { CleanRoot, PATH_OF_ROOT, requireDebian } from '../harness/clean-root.ts'
import { copiesOf, environmentOf, type Stage, stagesOfImage, stepsOf } from '../harness/containerfile.ts'
import { succeeded } from '../harness/npm.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually, firstOf } from '../harness/wait.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const COMMIT = 'c0ffee'.repeat(7)
const TIMEOUT_MS = 600_000

const folders = useTempFolders()

/** Does what a stage says in a fresh root, as a builder of images does. */
async function built(stage: Stage, archive: string, from: string, args: Record<string, string> = {}): Promise<CleanRoot> {
  const root = await CleanRoot.unpack(archive, folders.create('root'))
  const env: Record<string, string> = { ...root.connect() }
  let cwd = '/'
  for (const { instruction, text } of stage.steps) {
    const [name = ''] = text.split('=')
    if (instruction === 'WORKDIR') cwd = text
    else if (instruction === 'ARG') env[name] = args[name] ?? ''
    else if (instruction === 'RUN') succeeded(await root.sh(text, { cwd, env }))
    else if (instruction === 'COPY') copy({ ...stage, steps: [{ instruction, text }] }, root, from, cwd)
  }
  return root
}

function copy(step: Stage, root: CleanRoot, from: string, cwd: string): void {
  for (const { sources, to } of copiesOf(step)) {
    const folder = to.endsWith('/') || sources.length > 1
    const target = to.startsWith('/') ? to : join(cwd, to)
    for (const source of sources)
      cpSync(join(from, source), root.at(folder ? join(target, basename(source)) : target), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (file) => !file.startsWith(join(ROOT, 'admin/web/dist')),
      })
  }
}

test('the image can be built on a clean Debian, and what is in it runs confined', { timeout: TIMEOUT_MS }, async (context) => {
  const archive = await requireDebian(context)
  const { build, final } = stagesOfImage()
  const first = await built(build, archive, ROOT, { SOURCE_COMMIT: COMMIT })
  const root = await built(final, archive, first.folder)
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  for (const gone of ['/usr/local/bin/npm', '/opt/warren/node_modules/typescript', '/opt/warren/node_modules/vite', '/src'])
    expect([gone, existsSync(root.at(gone))]).toEqual([gone, false])

  const [user = ''] = stepsOf(final, 'USER')
  const [volume = ''] = stepsOf(final, 'VOLUME')
  const env = { PATH: PATH_OF_ROOT, ...environmentOf(final), WARREN_LISTEN: '127.0.0.1:0' }
  // As Kubernetes mounts a volume with fsGroup: root's, for the group, which files below inherit.
  const data = folders.create('volume')
  const [uid, gid] = user.split(':').map(Number)
  chownSync(data, 0, gid ?? 0)
  chmodSync(data, 0o2775)
  const [program, ...before] = root.confined(user, { from: data, to: volume })
  const inside = (...command: string[]) => run([program, ...before, ...command], { cwd: '/', env, timeoutMs: TIMEOUT_MS })
  expect(succeeded(await inside('warren', '--version')).stdout).toBe(`${version} (${COMMIT.slice(0, 12)})\n`)
  expect(await inside('sh', '-c', 'echo x >/opt/warren/x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Read-only'),
  })
  const probe = JSON.parse(stepsOf(final, 'HEALTHCHECK')[0]?.replace(/^.*CMD /, '') ?? '[]') as string[]
  expect((await inside(...probe)).code).toBe(1)

  const node = spawn(program, [...before, 'warren', 'up'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void node.kill('SIGKILL'))
  let output = ''
  for (const stream of [node.stdout, node.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  await eventually('the node serves', () => {
    if (node.exitCode !== null) throw new Error(output)
    return existsSync(join(data, 'data/node.json'))
  })
  expect(await inside(...probe)).toMatchObject({ code: 0, stderr: '' })
  expect(succeeded(await inside('warren', 'status')).stdout).toContain(version)
  const key = statSync(join(data, 'data/node.key'))
  expect([key.uid, key.mode & 0o777]).toEqual([uid, 0o600])
  // Else Kubernetes would widen the mode of that key at the next start.
  expect(statSync(data).mode & 0o7777).toBe(0o2775)
  const ended = firstOf(node, 'close')
  node.kill('SIGTERM')
  await ended
  expect([node.exitCode, node.signalCode], output).toEqual([0, null])
})
