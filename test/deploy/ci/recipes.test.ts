import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../harness/child-process.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { checkout, RECIPES, RUNNERS } from './runners.ts'

const temp = useTempFolders()
const names = Object.keys(RUNNERS)
/** Of a program that had nothing to say. */
const DONE = { code: 0, stdout: '', stderr: '', timedOut: false }

/** Stands for the command: notes how it is called, and does of each what the script waits for. */
const WARREN = `#!/bin/sh
echo "$*" >>"$NOTES/calls"
case $1 in
up)
  [ ! -e "$NOTES/broken" ] || exit 1
  printenv >"$NOTES/node.env"
  cat "$WARREN_TICKET_FILE" >"$NOTES/ticket"
  echo $$ >"$NOTES/pid"
  [ ! -e "$NOTES/slow" ] || exec sleep 60
  printf '{\\n  "pid": %s,\\n}\\n' $$ >"$WARREN_DATA/node.json"
  if [ -e "$NOTES/deaf" ]; then trap '' TERM; else trap 'exit 0' TERM; fi
  while :; do sleep 0.02; done
  ;;
status) exit 3 ;;
env)
  case $* in
  *--remove*) rmdir "$WARREN_DATA/env" ;;
  *--data*)
    mkdir "$WARREN_DATA/env"
    case $* in
    *github*) echo "npm_config_registry=http://node.test/npm/" ;;
    *) echo "export npm_config_registry='http://node.test/npm/'" ;;
    esac
    ;;
  *) exit 3 ;;
  esac
  ;;
esac
`

/** The job; what is to be installed is not there. */
const NPM = `#!/bin/sh
[ "$1" = ci ] || exit 9
printenv >"$NOTES/job.env"
exit "\${JOB:-0}"
`

function programs(notes: string) {
  const bin = temp.create('bin')
  for (const [program, script] of Object.entries({ warren: WARREN, npm: NPM })) {
    writeFileSync(join(bin, program), script)
    chmodSync(join(bin, program), 0o755)
  }
  return { PATH: `${bin}:${process.env.PATH}`, NOTES: notes }
}

async function jobOf(name: string, init: { job?: string; broken?: boolean; missing?: boolean } = {}) {
  const work = checkout(temp.create('checkout'))
  const notes = temp.create('notes')
  const bin = temp.create('bin')
  for (const [program, text] of Object.entries(init.missing ? { npm: NPM } : { warren: WARREN, npm: NPM })) {
    writeFileSync(join(bin, program), text)
    chmodSync(join(bin, program), 0o755)
  }
  if (init.broken) writeFileSync(join(notes, 'broken'), '')
  const env = { PATH: `${bin}:${process.env.PATH}`, NOTES: notes, JOB: init.job ?? '0' }
  mkdirSync(`${work}@tmp`)
  const isGood = await RUNNERS[name]?.({ work, env, secrets: { WARREN_TICKET: 'the ticket' } })
  const note = (what: string) => (existsSync(join(notes, what)) ? readFileSync(join(notes, what), 'utf8') : '')
  const variables = (what: string) =>
    new Map(
      note(what)
        .split('\n')
        .map((line) => line.split('=', 2) as [string, string]),
    )
  return { isGood, calls: note('calls').trim().split('\n'), note, variables }
}

/** In a container without an init what has ended may stay in the list of processes, without a command. */
function isGone(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`
  return !existsSync(file) || readFileSync(file, 'utf8') === ''
}

test('there is a runner for each recipe that there is', () => {
  const folders = readdirSync(RECIPES, { withFileTypes: true }).filter((one) => one.isDirectory())
  expect(folders.map(({ name }) => name).sort()).toEqual(names.map((name) => name.split('/')[0]).sort())
})

test.for(names)('%s: the node gets the ticket, the job gets its mirrors and no ticket, and nothing is left', async (name) => {
  const { isGood, calls, note, variables } = await jobOf(name)
  expect(isGood).toBe(true)
  const data = variables('node.env').get('WARREN_DATA') ?? ''
  const shell = /github|forgejo/.test(name) ? ' --shell github' : ''
  expect(calls).toEqual(['up', `env --data ${data} --dir ${data}/env --wait 10${shell}`, `env --remove --dir ${data}/env`])
  expect(note('ticket')).toBe('the ticket\n')
  expect(variables('node.env').has('WARREN_TICKET')).toBe(false)
  expect(variables('node.env').get('WARREN_MESH_EPHEMERAL')).toBe('true')
  expect(variables('job.env').get('npm_config_registry')).toBe('http://node.test/npm/')
  expect(note('job.env')).not.toContain('the ticket')
  expect(isGone(Number(note('pid')))).toBe(true)
  expect(readdirSync(data)).toEqual(['node.json'])
})

test.for(names)('%s: a job that fails has failed, and the node is stopped all the same', async (name) => {
  const { isGood, calls, note } = await jobOf(name, { job: '7' })
  expect(isGood).toBe(false)
  expect(calls.at(-1)).toMatch(/^env --remove/)
  expect(isGone(Number(note('pid')))).toBe(true)
})

const without = names.flatMap((name) => [
  [name, 'started', { broken: true }] as const,
  [name, 'installed', { missing: true }] as const,
])

test.for(without)('%s: where the node cannot be %s, the job goes on without', async ([name, , init]) => {
  const { isGood, variables } = await jobOf(name, init)
  expect(isGood).toBe(true)
  expect(variables('job.env').has('PATH')).toBe(true)
  expect(variables('job.env').has('npm_config_registry')).toBe(false)
})

test('a node that is about to end, as one that was just killed, is waited for', async () => {
  const [data, notes] = [temp.create('data'), temp.create('notes')]
  const env = { ...programs(notes), WARREN_DATA: data }
  const before = spawn('sleep', ['0.7'], { env, stdio: 'ignore' })
  writeFileSync(join(data, 'ci.pid'), `${before.pid}\n`)
  const script = (what: string) => run(['sh', join(RECIPES, 'warren-ci.sh'), what], { cwd: data, env, timeoutMs: 30_000 })
  const started = await script('start')
  const isThere = !isGone(Number(readFileSync(join(notes, 'pid'), 'utf8')))
  expect([started, before.exitCode, isThere, await script('stop')]).toEqual([DONE, 0, true, DONE])
})

test('whoever stops the job while the node starts finds neither node nor ticket, also where the shell traces', async () => {
  const [data, notes] = [temp.create('data'), temp.create('notes')]
  writeFileSync(join(data, 'ci.ticket'), '', { mode: 0o644 })
  writeFileSync(join(notes, 'slow'), '')
  const env = { ...programs(notes), WARREN_DATA: data, WARREN_TICKET: 'the ticket' }
  const job = spawn('sh', ['-x', join(RECIPES, 'warren-ci.sh'), 'start'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = Promise.all([once(job, 'exit'), text(job.stderr)])
  await eventually('the node starts', () => existsSync(join(notes, 'pid')) && existsSync(join(data, 'ci.pid')))
  expect(statSync(join(data, 'ci.ticket')).mode & 0o777).toBe(0o600)
  job.kill()
  const [[code], stderr] = await ended
  expect([code, stderr]).toEqual([1, expect.stringContaining('stopped before the node was there')])
  expect(stderr).not.toContain('the ticket')
  expect(isGone(Number(readFileSync(join(notes, 'pid'), 'utf8')))).toBe(true)
  expect(readdirSync(data)).toEqual([])
})

test('a number of a process that is left from before a restart is not taken for the node', async () => {
  const [data, notes] = [temp.create('data'), temp.create('notes')]
  const another = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', 'warren'], {
    env: { ...programs(notes), WARREN_DATA: `${data}2` },
  })
  onTestFinished(() => void another.kill())
  writeFileSync(join(data, 'ci.pid'), `${another.pid}\n`)
  const stop = spawn('sh', [join(RECIPES, 'warren-ci.sh'), 'stop'], { env: { ...programs(notes), WARREN_DATA: data } })
  expect(await once(stop, 'exit')).toEqual([0, null])
  expect([another.exitCode, another.signalCode, readdirSync(data)]).toEqual([null, null, []])
})

test('a node that does not stop is ended after a while, and that is told', async () => {
  const [data, notes] = [temp.create('data'), temp.create('notes')]
  writeFileSync(join(notes, 'deaf'), '')
  const env = { ...programs(notes), WARREN_DATA: data, WARREN_TICKET: 'the ticket' }
  const script = (...args: string[]) =>
    spawn('sh', [join(RECIPES, 'warren-ci.sh'), ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  expect(await once(script('start'), 'exit')).toEqual([0, null])
  const pid = Number(readFileSync(join(notes, 'pid'), 'utf8'))
  onTestFinished(() => {
    if (!isGone(pid)) process.kill(pid, 'SIGKILL')
  })
  for (const wrong of ['soon', '-1']) expect(await once(script('stop', wrong), 'exit')).toEqual([1, null])
  expect(isGone(pid)).toBe(false)
  const stop = script('stop', '1')
  const [[code], stderr] = await Promise.all([once(stop, 'exit'), text(stop.stderr)])
  expect([code, stderr]).toEqual([
    0,
    `warren-ci: the node did not stop within 1 s, so it was ended; its key stays in ${data}\n`,
  ])
  await eventually('it has ended', () => isGone(pid))
  expect(readdirSync(data)).toEqual(['node.json'])
})
