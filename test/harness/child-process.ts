import { spawn } from 'node:child_process'
import { firstOf } from './wait.ts'

/** The end of a child's output that is kept, in characters: enough for any error message, bounded for any flood. */
const KEPT_OUTPUT = 256 * 1024

export interface Run {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Whether it was ended because its time was up. */
  readonly timedOut: boolean
}

export interface RunInit {
  readonly cwd: string
  /** The whole environment: nothing is inherited. */
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
  readonly input?: string | Buffer
}

/** Runs a program to its end, or to the end of its time. Rejects only when it cannot be started. */
export async function run(command: readonly [string, ...string[]], init: RunInit): Promise<Run> {
  const [program, ...args] = command
  const child = spawn(program, args, { cwd: init.cwd, env: init.env, windowsHide: true })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-KEPT_OUTPUT)
    })
  }
  let failure: Error | undefined
  child.on('error', (error) => {
    failure = error
  })
  // A child that does not read its input is no failure of ours.
  child.stdin.on('error', () => {})
  child.stdin.end(init.input)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, init.timeoutMs)
  try {
    await firstOf(child, 'close')
  } finally {
    clearTimeout(timer)
  }
  if (failure) throw failure
  return { code: child.exitCode, ...output, timedOut }
}

/** Variables that a program needs to run at all; everything else of ours would make tests depend on who runs them. */
const INHERITED = [
  'PATH',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  'ComSpec',
  'PATHEXT',
  'LANG',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]

/** A clean environment with `more` on top. */
export function cleanEnv(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(inherited), ...more }
}

/** Variables by which a folder is the home folder of all programs: those of Java's do not go by HOME. Java is told to compile for short runs. */
export function atHome(home: string): Record<'HOME' | 'USERPROFILE' | 'JAVA_TOOL_OPTIONS', string> {
  return { HOME: home, USERPROFILE: home, JAVA_TOOL_OPTIONS: `-Duser.home=${home} -XX:TieredStopAtLevel=1` }
}
