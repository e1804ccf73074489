import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cleanEnv } from '../../harness/child-process.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { ReplayUpstream } from '../../harness/replay.ts'
import { SyntheticRegistry } from '../../harness/synthetic.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { requireTool } from '../../harness/tools.ts'
import { eventually, firstOf } from '../../harness/wait.ts'
import { ENTRY, runWarren } from './run-warren.ts'

/** Four programs start, three nodes find each other, and npm runs three times. */
const WHOLE_RUN = 180_000
const STOP_LIMIT_MS = 60_000

useLeakCheck()
const folders = useTempFolders()

/** Commands that have a word in their arguments; on Linux only. */
function commandsWith(word: string): { pid: number; args: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return args.includes(word) ? [{ pid: Number(pid), args }] : []
      } catch {
        return []
      }
    })
}

/** A demo under way, in a home and a place for temporary folders of its own. */
class Demo {
  readonly temp = folders.create('temp')
  readonly #child: ChildProcess
  stdout = ''
  stderr = ''

  /** @param terminal path of the program `script`, which gives it a terminal */
  constructor(args: readonly string[], env: Readonly<Record<string, string>>, terminal?: string) {
    const home = folders.create('home')
    const command = [process.execPath, ENTRY, 'demo', ...args]
    const [program = '', ...rest] = terminal ? [terminal, '-qec', command.join(' '), '/dev/null'] : command
    this.#child = spawn(program, rest, {
      cwd: home,
      env: cleanEnv({ HOME: home, TMPDIR: this.temp, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    onTestFinished(async () => {
      if (this.#running) this.signal('SIGTERM')
      await this.ended()
    })
  }

  /** The nodes that it runs at the moment. */
  get nodes(): { pid: number; args: string }[] {
    return commandsWith(join(this.temp, 'warren-demo-')).filter(({ args }) => / up --config /.test(args))
  }

  get #running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Its exit code. */
  async ended(): Promise<number | null> {
    if (this.#running) await firstOf(this.#child, 'close')
    return this.#child.exitCode
  }

  /** Resolves when a line has been written, or when it is over. */
  async said(text: string): Promise<void> {
    await eventually(`it says «${text}»`, () => this.stdout.includes(text) || !this.#running, STOP_LIMIT_MS)
    expect(this.stdout).toContain(text)
  }

  /** What is left of it: processes and folders. (npm keeps compiled code of its own among the temporary files.) */
  leftovers(): string[] {
    return [
      ...commandsWith(this.temp).map(({ args }) => args),
      ...readdirSync(this.temp).filter((name) => name.startsWith('warren-')),
    ]
  }
}

async function replayed(): Promise<ReplayUpstream> {
  const replay = await new ReplayUpstream(new SyntheticRegistry({ packages: 12, odd: false }).recording).start()
  onTestFinished(() => replay.stop())
  return replay
}

/** A made-up package that has dependencies, which have some as well. */
const PACKAGE = 'part-11'

describe('three nodes', { timeout: WHOLE_RUN }, () => {
  test('the second has every tarball from the first, the third from the second, and nothing is left', async () => {
    const replay = await replayed()
    const demo = new Demo(['--package', PACKAGE, '--json'], { npm_config_registry: replay.url })
    expect(await demo.ended(), demo.stderr).toBe(0)

    const facts = JSON.parse(demo.stdout)
    expect(facts).toMatchObject({ package: PACKAGE, upstream: replay.url, proven: true, problems: [] })
    const [first, second, third] = facts.nodes
    const tarballs: { name: string; bytes: number; source: string }[] = first.tarballs
    expect(tarballs.length).toBeGreaterThanOrEqual(3)
    expect(new Set(tarballs.map(({ source }) => source))).toEqual(new Set(['upstream']))
    // What the upstream itself counted: only the first node came for tarballs.
    expect(replay.tally.kind('tarball')).toMatchObject({ requests: tarballs.length })
    const bytes = tarballs.reduce((sum, tarball) => sum + tarball.bytes, 0)
    expect(replay.tally.kind('tarball').bytes).toBe(bytes)
    for (const [node, source, giver] of [
      [second, 'seed', 'node 1'],
      [third, 'peer', 'node 2'],
    ]) {
      const byName = (all: typeof tarballs) => all.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      expect(byName(node.tarballs)).toEqual(byName(tarballs.map((tarball) => ({ ...tarball, source }))))
      expect(node.requests[source]).toBe(tarballs.length)
      expect(node.from.filter((one: { bytes: number }) => one.bytes > 0)).toEqual([{ node: giver, bytes }])
      expect(node.installed).toEqual(first.installed)
    }
    expect(facts.steps).toHaveLength(5)
    expect(demo.stderr).toContain(`Proven. Node 2 had all ${tarballs.length} tarballs`)
    expect(demo.leftovers()).toEqual([])
  })

  test('everything is kept when somebody wants that, and told plainly in a pipe', async () => {
    const replay = await replayed()
    const demo = new Demo(['--package', PACKAGE, '--keep'], { npm_config_registry: replay.url, WARREN_LISTEN: 'nonsense' })
    expect(await demo.ended(), demo.stderr).toBe(0)
    expect(demo.stderr).toBe('')
    const name = readdirSync(demo.temp).find((one) => one.startsWith('warren-demo-')) ?? ''
    expect(demo.stdout.trimEnd().split('\n').at(-1)).toBe(`Everything is kept in ${join(demo.temp, name)}`)
    expect(demo.stdout).not.toContain('\x1b')
    expect(demo.stdout).toMatch(/^ {3}part-11-1\.1\.0\.tgz +\d\.\d KiB {2}seed {2}node 1$/m)
    expect(demo.stdout).toMatch(/^node {4}source +requests {2}bytes$/m)
    const kept = join(demo.temp, name)
    expect(readdirSync(kept)).toContain('node-3')
    rmSync(kept, { recursive: true })
    expect(demo.leftovers()).toEqual([])
  })

  test.for([
    ['SIGINT', 'Node 1 creates a mesh'],
    ['SIGTERM', 'npm install part-11 through node 1'],
    ['SIGHUP', 'Nodes 2 and 3 join by a ticket'],
  ] as const)('%s at «%s» leaves no process and no folder', async ([signal, step]) => {
    const replay = await replayed()
    const demo = new Demo(['--package', PACKAGE], { npm_config_registry: replay.url })
    await demo.said(step)
    await eventually('a process of it runs', () => commandsWith(demo.temp).length > 0)
    demo.signal(signal)
    expect(await demo.ended()).toBe(130)
    expect(demo.stderr).toBe('warren: broken off; everything that it started has ended\n')
    expect(demo.leftovers()).toEqual([])
  })

  test('a second Ctrl-C ends it at once, and leaves nothing either', async () => {
    const replay = await replayed()
    const demo = new Demo(['--package', PACKAGE], { npm_config_registry: replay.url })
    await demo.said('npm install')
    // A node that cannot end by itself.
    const [node] = await eventually('its nodes run', () => demo.nodes.length === 3 && demo.nodes)
    if (node) process.kill(node.pid, 'SIGSTOP')
    // One soon after the first counts as the same.
    const again = setInterval(() => demo.signal('SIGINT'), 100)
    expect(await demo.ended()).toBe(130)
    clearInterval(again)
    // No word of an end in order.
    expect(demo.stderr).toBe('')
    await eventually('the stopped node is gone', () => demo.leftovers().length === 0)
  })

  test('a terminal that is closed leaves nothing either', async (context) => {
    const replay = await replayed()
    replay.latencyMs = 500
    const demo = new Demo(
      ['--package', PACKAGE],
      { npm_config_registry: replay.url, TERM: 'xterm' },
      requireTool(context, 'script'),
    )
    await demo.said('npm install')
    expect(demo.stdout).toContain('\x1b[1m1. Node 1 creates a mesh\x1b[22m')
    demo.signal('SIGKILL')
    await eventually('all of it is gone', () => demo.leftovers().length === 0, STOP_LIMIT_MS)
  })

  test('a node that dies ends the demo with a sentence', async () => {
    const replay = await replayed()
    replay.latencyMs = 500
    const demo = new Demo(['--package', PACKAGE], { npm_config_registry: replay.url })
    await demo.said('npm install')
    const second = await eventually('node 2 runs', () => demo.nodes.find(({ args }) => args.includes('node-2')))
    process.kill(second.pid, 'SIGKILL')
    expect(await demo.ended()).toBe(1)
    expect(demo.stderr).toMatch(/^warren: node 2 ended: .+\n$/)
    expect(demo.leftovers()).toEqual([])
  })
})

test('without npm it says so', async () => {
  const demo = new Demo([], { PATH: folders.create('empty') })
  expect(await demo.ended()).toBe(1)
  expect(demo.stdout).toBe('')
  expect(demo.stderr).toBe('warren: the demo installs with npm, and there is no npm in PATH; it comes with Node.js\n')
  expect(demo.leftovers()).toEqual([])
})

test('a registry that does not answer, or lacks the package, is named before any node starts', async () => {
  const replay = await replayed()
  const env = { npm_config_registry: replay.url }
  const lacking = new Demo(['--package', 'nowhere'], env)
  expect(await lacking.ended()).toBe(1)
  expect(lacking.stderr).toBe(`warren: the registry ${replay.url} has no package nowhere; name another with --package\n`)
  await replay.gone()
  const silent = new Demo(['--package', PACKAGE], env)
  expect(await silent.ended()).toBe(1)
  expect(silent.stderr).toMatch(/^warren: the registry \S+ does not answer: connect ECONNREFUSED .*«npm config set registry»/)
  for (const demo of [lacking, silent]) {
    expect(demo.stdout).not.toContain('1. ')
    expect(demo.leftovers()).toEqual([])
  }
})

test('what npm cannot install is told in npm’s own words', { timeout: WHOLE_RUN }, async (context) => {
  const npm = requireTool(context, 'npm')
  const bin = folders.create('bin')
  symlinkSync(npm, join(bin, 'npm'))
  mkdirSync(join(bin, 'more'))
  const replay = await replayed()
  const demo = new Demo(['--package', `${PACKAGE}@99`], { npm_config_registry: replay.url, PATH: bin })
  expect(await demo.ended()).toBe(1)
  expect(demo.stderr).toMatch(/^warren: npm could not install part-11@99 through node 1: code ETARGET; .*part-11@99/)
  expect(demo.leftovers()).toEqual([])
})

test.for(['', '--registry=x', '../folder', 'https://example.test/a.tgz', 'git@example.test:a/b'])(
  '--package %j is wrong usage',
  async (name) => {
    const { code, stdout, stderr } = await runWarren(['demo', `--package=${name}`], { home: folders.create() })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      `warren: --package: ${JSON.stringify(name)} must be the name of an npm package, such as is-odd or @scope/name, with or without @version\n`,
    )
  },
)
