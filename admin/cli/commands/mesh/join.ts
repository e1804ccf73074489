import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { TICKET_VARIABLE } from '../../../../node/config/env.ts'
import type { Status } from '../../../api/status-schema.ts'
import { UsageError } from '../../exit-codes.ts'
import { plural } from '../../format.ts'
import { joinByTicket, joinedText } from '../../joining.ts'
import { writeLines } from '../../print.ts'
import { meshOfRunningNode } from '../../running-node.ts'
import { type GivenSecret, secretFile, secretVariable } from '../../secret-variable.ts'
import { loadSettings, type SettingFlags } from '../../settings.ts'

/** Characters of input that may be a ticket. */
const MAX_INPUT = 64 << 10

export interface JoinOptions extends SettingFlags {
  readonly ticketFile?: string
  readonly ticket?: string
  readonly json?: boolean
}

/** Joins by a ticket, and waits a little for a running node to connect. Throws UsageError, and as `joinByTicket`. */
export async function join(options: JoinOptions, args: readonly string[]): Promise<void> {
  const [file] = args
  if (file !== undefined && args.length === 1 && existsSync(file))
    throw new UsageError(`${file} is a file: a ticket in one is taken with --ticket-file ${file}`)
  if (options.ticket !== undefined || args.length > 0)
    throw new UsageError(
      `a ticket is not taken as an argument, since every user of this machine can see those: ${WAYS}; make a new one if this one was for more than a try`,
    )
  const { config } = loadSettings(options)
  const joined = joinByTicket(config.data, await ticketFrom(options.ticketFile))
  // It is one whether or not the running node gets to anybody, which may take seconds.
  if (!options.json) writeLines(process.stdout, [capital(joinedText(joined))])
  const mesh = await meshOfRunningNode(config.data, joined.mesh)
  writeLines(process.stdout, [
    options.json ? JSON.stringify({ ...joined, connected: mesh?.peers ?? null }, null, 2) : connectionText(mesh),
  ])
}

const WAYS = `pipe it in («warren mesh ticket | ssh host warren mesh join»), or use --ticket-file or ${TICKET_VARIABLE}`

async function ticketFrom(file: string | undefined): Promise<GivenSecret> {
  if (file !== undefined) {
    const path = resolve(file)
    const given = secretFile(path, path)
    if ((statSync(path).mode & 0o077) !== 0 && process.platform !== 'win32')
      process.stderr.write(`warren: warning: other users can read the ticket in ${path}: chmod 600 ${path}\n`)
    return given
  }
  const given = secretVariable(TICKET_VARIABLE)
  if (given) return given
  if (process.stdin.isTTY) throw new UsageError(`there is no ticket: ${WAYS}`)
  const text = (await readInput()).trim()
  if (text === '') throw new UsageError(`there is no ticket, and nothing on stdin: ${WAYS}`)
  return { text, where: 'stdin' }
}

async function readInput(): Promise<string> {
  let text = ''
  for await (const part of process.stdin.setEncoding('utf8')) {
    text += part
    if (text.length > MAX_INPUT) throw new UsageError('stdin: this is no ticket: it is far too long')
  }
  return text
}

function connectionText(mesh: Status['mesh'] | undefined): string {
  if (!mesh) return 'No node runs on the data folder; the next «warren up» connects.'
  if (mesh.state === 'member') return `The running node is connected with ${plural(mesh.peers, 'member')}.`
  return `The running node is not connected yet, and goes on trying${mesh.trouble ? `: ${mesh.trouble}` : '.'}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
