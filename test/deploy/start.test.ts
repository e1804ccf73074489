import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { cleanEnv } from '../harness/child-process.ts'
import { useTempFolders } from '../harness/temp.ts'
import { npmCommand } from '../harness/tools.ts'
import { eventually, firstOf } from '../harness/wait.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const folders = useTempFolders()

/** Runs `npm start` as a terminal does, in a process group of its own. */
async function start() {
  const data = folders.create('data')
  const [program, ...first] = npmCommand()
  // The set-up has tests of its own, and must not change what these tests run on.
  const child = spawn(program, [...first, 'start', '--ignore-scripts'], {
    cwd: ROOT,
    env: cleanEnv({ HOME: folders.create('home'), WARREN_DATA: data, WARREN_LISTEN: '127.0.0.1:0' }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const { pid } = child
  if (pid === undefined) throw new Error('npm cannot be run')
  onTestFinished(() => {
    if (isAlive(-pid)) process.kill(-pid, 'SIGKILL')
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const file = join(data, 'node.json')
  const node = await eventually('the node greets', () => {
    if (child.exitCode !== null) throw new Error(output)
    return output.includes('Ctrl-C stops it.') && (JSON.parse(readFileSync(file, 'utf8')) as { pid: number })
  })
  return { child, pid, node: node.pid, file, output: () => output }
}

/** `pid`, or the group of it when it is negative. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.for([
  ['a Ctrl-C in the terminal', 'SIGINT', 'group'],
  ['a SIGTERM to npm', 'SIGTERM', 'npm'],
] as const)('%s stops the node, and npm ends with 0 once it has stopped', async ([, signal, to]) => {
  const { child, pid, node, file, output } = await start()
  expect(output()).toMatch(/^ {2}clients +npm run -s warren -- setup --all$/m)
  const ended = firstOf(child, 'close')
  process.kill(to === 'group' ? -pid : pid, signal)
  await ended
  expect([child.exitCode, child.signalCode]).toEqual([0, null])
  expect(output()).toContain('"msg":"stopped"')
  expect(isAlive(node)).toBe(false)
  expect(existsSync(file)).toBe(false)
})
