import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { cleanEnv } from '../../harness/child-process.ts'

const TRUST = new URL('../../../node/trust/', import.meta.url)

/** A process of its own that runs some lines of JavaScript, `from` being a module of `node/trust`; killed after the test. */
export function child(from: string, names: string, code: string, ...args: readonly string[]): ChildProcess {
  const module = new URL(from, TRUST).href
  const script = `import { ${names} } from ${JSON.stringify(module)}\nconst args = process.argv.slice(1)\n${code}`
  const started = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], {
    env: cleanEnv(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void started.kill('SIGKILL'))
  return started
}
