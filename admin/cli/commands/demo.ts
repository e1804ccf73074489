import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtIns } from '../../../node/built-ins.ts'
import { type Facts, problemsOf } from '../demo/facts.ts'
import { Npm } from '../demo/npm.ts'
import { Play } from '../demo/play.ts'
import { Processes } from '../demo/processes.ts'
import { summaryLines } from '../demo/show.ts'
import { Story } from '../demo/story.ts'
import { Upstream } from '../demo/upstream.ts'
import { EXIT, UsageError } from '../exit-codes.ts'
import { aligned, type Output, writeLines } from '../print.ts'
import { StopSignals } from '../stop-signals.ts'

export interface DemoOptions {
  readonly package: string
  readonly keep?: boolean
  readonly json?: boolean
}

/** A name with its scope, and a version, range or tag: never a folder, a URL or an option of npm's. */
const SPEC = /^((?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*)(?:@[\w.~^*+-]+)?$/i

/** Removal that bears with a process that is just ending. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const

class Interrupted extends Error {}

/** Shows three nodes at work, and removes every trace. Throws UsageError, and Error with a sentence for people. */
export async function demo(options: DemoOptions): Promise<void> {
  const name = SPEC.exec(options.package)?.[1]
  if (name === undefined)
    throw new UsageError(
      `--package: ${JSON.stringify(options.package)} must be the name of an npm package, such as is-odd or @scope/name, with or without @version`,
    )
  // The story of a run whose facts are read by a program goes past it.
  const output = options.json ? process.stderr : process.stdout
  const facts = await play(options, name, output)
  if (!facts) {
    process.exitCode = EXIT.interrupted
    process.stderr.write('warren: broken off; everything that it started has ended\n')
    return
  }
  const problems = problemsOf(facts)
  if (options.json) writeLines(process.stdout, [JSON.stringify({ ...facts, proven: problems.length === 0, problems }, null, 2)])
  if (problems.length > 0) process.exitCode = EXIT.failure
}

/** Undefined when a signal broke it off. */
async function play(options: DemoOptions, name: string, output: Output): Promise<Facts | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'warren-demo-'))
  const processes = new Processes()
  const { promise: broken, reject: breakOff } = Promise.withResolvers<never>()
  const signals = new StopSignals({
    insist: () => {
      processes.kill()
      if (!options.keep) rmSync(folder, REMOVAL)
      process.exit(EXIT.interrupted)
    },
  })
  const interrupt = () => breakOff(new Interrupted())
  void signals.asked.then(interrupt)
  // A terminal that is closed would leave the nodes to themselves.
  process.on('SIGHUP', interrupt)
  const story = new Story(output)
  const closing = new AsyncDisposableStack()
  const act = async () => {
    const npm = new Npm(processes)
    const base = (await npm.setting('registry')) ?? builtIns.find(({ protocol }) => protocol === 'npm')?.upstreams[0]
    if (!base || !URL.canParse(base)) throw new Error('npm knows no registry; «npm config set registry» names one')
    const upstream = new Upstream(base, await npm.setting('cafile'))
    closing.defer(() => upstream.close())
    story.title(`Three nodes on this machine install ${options.package}`)
    story.say([
      ...aligned([
        ['upstream', upstream.base],
        ['folder', folder],
      ]),
      '',
    ])
    await upstream.probe(name)
    const onDeath = (error: Error) => breakOff(error)
    const facts = await new Play(
      { story, output, npm, upstream, processes, onDeath, closing },
      { spec: options.package, folder },
    ).run()
    writeLines(output, summaryLines(facts, output))
    return facts
  }
  try {
    return await Promise.race([act(), broken])
  } catch (error) {
    if (error instanceof Interrupted) return undefined
    throw error
  } finally {
    story.end()
    await processes.stop()
    await closing.disposeAsync()
    if (options.keep) writeLines(output, ['', `Everything is kept in ${folder}`])
    else await rm(folder, REMOVAL)
    process.off('SIGHUP', interrupt)
    signals.close()
  }
}
