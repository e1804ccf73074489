import { FOLDER_VARIABLE } from '../../../node/config/env.ts'
import { thisMachine } from '../doctor/machine.ts'
import { changesOf, environmentBefore, markOf, takenBack } from '../env/before.ts'
import { leadByVariables, type Outcome } from '../env/env-clients.ts'
import { leadByFiles } from '../env/file-clients.ts'
import { JobFolder } from '../env/job-folder.ts'
import { type Changes, changesText, type Shell } from '../env/shell.ts'
import { readyNode } from '../env/waiting.ts'
import { UsageError } from '../exit-codes.ts'
import { Mirrors } from '../get/mirrors.ts'
import type { NodeOptions } from '../node-address.ts'
import { writeLines } from '../print.ts'

export interface EnvOptions extends NodeOptions {
  readonly shell: Shell
  /** Seconds. */
  readonly wait: number
  readonly dir?: string
  readonly mirror?: readonly string[]
  readonly remove?: boolean
  readonly json?: boolean
}

/**
 * Prints what leads the clients of a job to the node, for a shell to evaluate, and nothing else on stdout; what becomes of which client
 * goes to stderr. Throws UnreachableError, UsageError.
 */
export async function env(options: EnvOptions): Promise<void> {
  const former = process.env[FOLDER_VARIABLE]
  const last = former ? JobFolder.at(former) : undefined
  if (options.remove) return remove(options, last)
  const node = await readyNode(options, options.wait * 1_000)
  const base = node.base.replace(/\/$/, '')
  const mirrors = new Mirrors({ base, mirrors: node.mirrors, named: options.mirror ?? [] })
  const machine = { ...thisMachine(), env: environmentBefore(process.env, last) }
  const isSame = options.dir === undefined && last !== undefined
  const folder = isSame ? last : JobFolder.make(options.dir)
  try {
    const byVariables = leadByVariables(mirrors, machine)
    const byFiles = leadByFiles(mirrors, machine, folder)
    const variables = new Map([...byVariables.variables, ...byFiles.variables, [FOLDER_VARIABLE, folder.path]])
    const outcomes = [...byVariables.outcomes, ...byFiles.outcomes]
    const text = textOf(options, changesOf(variables, byFiles.added, machine.env), { node: base, outcomes })
    folder.write(markOf(variables, byFiles.added, machine.env))
    process.stdout.write(text)
    tell(outcomes, base)
  } catch (error) {
    if (!isSame) folder.remove()
    throw error
  }
  if (last && !isSame) last.remove()
  if (node.isJoining)
    process.stderr.write('warren: warning: the node reaches no other member of its mesh yet, so it asks registries itself\n')
}

function textOf({ shell, json }: EnvOptions, changes: Changes, facts: { node: string; outcomes: readonly Outcome[] }): string {
  if (!json) return changesText(shell, changes)
  return `${JSON.stringify({ node: facts.node, variables: Object.fromEntries(changes), clients: facts.outcomes, others: NOT_BY_VARIABLES }, null, 2)}\n`
}

/** Takes back what `env` did: the folder, and, for a shell that evaluates it, the variables. */
function remove({ dir, shell, json }: EnvOptions, last: JobFolder | undefined): void {
  const folder = dir === undefined ? last : JobFolder.at(dir)
  if (!folder)
    throw new UsageError(
      dir === undefined
        ? `${FOLDER_VARIABLE} names no folder that «warren env» has made, so there is nothing to remove`
        : `--dir: «warren env» has made no folder ${dir}`,
    )
  const changes = takenBack(folder.mark, process.env)
  const text = json ? `${JSON.stringify({ variables: Object.fromEntries(changes) }, null, 2)}\n` : changesText(shell, changes)
  folder.remove()
  process.stdout.write(text)
  process.stderr.write(`warren: ${folder.path} is gone\n`)
}

/** Clients that no variable leads anywhere, as `warren setup` names them. */
const NOT_BY_VARIABLES = ['docker', 'containerd', 'podman', 'cri-o', 'buildkit', 'apt', 'poetry', 'ivy']

function tell(outcomes: readonly Outcome[], node: string): void {
  const led = outcomes.filter(({ mirror }) => mirror !== null).map(({ client }) => client)
  const lines = [
    led.length === 0 ? `no client is led to the node at ${node}` : `led to the node at ${node}: ${led.join(', ')}`,
    ...outcomes.flatMap((one) => {
      if (one.mirror === null) return [`not led there: ${one.client}: ${one.why}`]
      return one.instead === undefined ? [] : [`${one.client}: the mirror «${one.mirror}» in the place of ${one.instead}`]
    }),
    `no variable leads ${NOT_BY_VARIABLES.join(', ')}: «warren setup NAME» does`,
  ]
  writeLines(
    process.stderr,
    lines.map((line) => `warren: ${line}`),
  )
}
