import { reasonOf } from '../../../node/errors.ts'
import { thisMachine } from '../doctor/machine.ts'
import type { Machine } from '../doctor/scene.ts'
import { EXIT, START_ONE, UnreachableError, UsageError } from '../exit-codes.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { writeLines } from '../print.ts'
import { adoptAll } from '../setup/adoption.ts'
import type { SetupClient } from '../setup/client.ts'
import { CLIENTS, clientNamed } from '../setup/clients.ts'
import { reportLines } from '../setup/lines.ts'
import { type OwnMirrors, ownMirrors } from '../setup/own-mirrors.ts'
import type { ClientReport } from '../setup/report.ts'
import { setUp, takeBack } from '../setup/set-up.ts'

interface SetupOptions extends NodeOptions {
  readonly all?: boolean
  readonly write?: boolean
  readonly undo?: boolean
  readonly replace?: boolean
  readonly adopt?: boolean
  readonly json?: boolean
}

/** Leads clients to the node, or takes that back. Exit code 1 where that is not possible for one of them; the others are done. */
export async function setup(names: readonly string[], options: SetupOptions): Promise<void> {
  const machine = thisMachine()
  const clients = chosen(names, options, machine)
  const { adopt = false, write = adopt, undo = false, replace = false } = options
  const reports: ClientReport[] = []
  let runs: boolean | undefined
  let mirrors: OwnMirrors['mirrors'] = []
  // The other way round: folders that were made for the first of them may be empty after the last.
  if (undo) for (const client of clients.toReversed()) reports.unshift(takeBack(client, machine, clients))
  else {
    let own = await ownMirrors(options)
    runs = own.runs
    if (adopt && !runs) throw new UnreachableError(`no node runs that could be given mirrors; ${START_ONE}`)
    // One after the other: some share a file, or a mirror that is made for them.
    for (const client of clients) {
      if (adopt) own = await adopting(client, { own, machine, options }, reports)
      else reports.push(await setUp(client, own, machine, { write, replace }))
    }
    mirrors = own.mirrors
  }
  const done = write ? 'write' : undo ? 'undo' : 'show'
  if (options.json) writeLines(process.stdout, [JSON.stringify({ done, runs: runs ?? null, clients: reports }, null, 2)])
  else writeLines(process.stdout, reportLines(reports, { done, runs, output: process.stdout }))
  // Who says --all means those that can be led to this node: there is no mirror for apt before somebody names one.
  const meant = options.all && !undo ? clients.filter((client) => hasMirror(client, mirrors)) : clients
  const isMeant = (report: ClientReport) => meant.some(({ name }) => name === report.client)
  if (reports.some((report) => report.trouble !== undefined && isMeant(report))) process.exitCode = EXIT.failure
}

function hasMirror({ reader }: SetupClient, mirrors: OwnMirrors['mirrors']): boolean {
  return mirrors.some(({ protocol }) => protocol === reader.protocol)
}

interface Beside {
  readonly own: OwnMirrors
  readonly machine: Machine
  readonly options: SetupOptions
}

/** Gives the node mirrors for where a client is led to, then leads it there; returns what the node has then. Throws UnreachableError. */
async function adopting(client: SetupClient, beside: Beside, reports: ClientReport[]): Promise<OwnMirrors> {
  const { own, machine, options } = beside
  const shown = await setUp(client, own, machine, { write: false, replace: true })
  try {
    const made = await adoptAll(shown.former, nodeAt(options))
    const now = made.length > 0 ? await ownMirrors(options) : own
    reports.push({ ...(await setUp(client, now, machine, { write: true, replace: false })), made })
    return now
  } catch (error) {
    if (error instanceof UnreachableError) throw error
    reports.push({ ...shown, trouble: reasonOf(error) })
    return own
  }
}

function chosen(names: readonly string[], { all, undo }: SetupOptions, machine: Machine): SetupClient[] {
  const known = CLIENTS.map(({ name }) => name).join(', ')
  if (all && names.length > 0) throw new UsageError('name clients, or say --all')
  if (!all && names.length === 0) throw new UsageError(`name a client, or say --all; there is ${known}`)
  if (!all) return [...new Set(names)].map(clientNamed)
  // What was set up once is taken back, installed or not.
  return CLIENTS.filter(
    (client) => (undo || client.programs.some((program) => machine.has(program))) && isHere(client, machine),
  )
}

/** Whether there is anything to set up: some clients have settings of a project only. */
function isHere(client: SetupClient, machine: Machine): boolean {
  try {
    client.files(machine, [])
    return true
  } catch (error) {
    if (error instanceof UsageError) return false
    // That is told where it is set up.
    return true
  }
}
