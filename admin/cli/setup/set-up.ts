import { dirname, sep } from 'node:path'
import { reasonOf } from '../../../node/errors.ts'
import { javaHome } from '../doctor/clients/java-home.ts'
import type { Machine } from '../doctor/scene.ts'
import { UsageError } from '../exit-codes.ts'
import { isSameListener } from '../same-listener.ts'
import { formerOf } from './adopt.ts'
import { type FileChange, plannedEdit, plannedUndo, undo, write } from './change.ts'
import type { Setting, SetupClient } from './client.ts'
import { defaultMirror } from './mirror.ts'
import { NotEditable } from './not-editable.ts'
import { isOfProject } from './of-project.ts'
import type { OwnMirrors } from './own-mirrors.ts'
import { previewOf, staying } from './preview.ts'
import type { Action, ClientReport, FileReport } from './report.ts'
import { pastScopes } from './scopes.ts'

interface Wanted {
  /** Else it is only said what would be. */
  readonly write: boolean
  /** Also where a client is led to a registry that no mirror of the node asks. */
  readonly replace: boolean
}

/** Leads a client to the node by its own settings, or says how that would be done. Rejects for nothing that lies in its files. */
export async function setUp(client: SetupClient, own: OwnMirrors, machine: Machine, wanted: Wanted): Promise<ClientReport> {
  const { protocol } = client.reader
  const mirrors = own.mirrors.filter((one) => one.protocol === protocol)
  const report = { client: client.name, javaHome: otherHome(client, machine), down: client.down, next: client.next }
  const nothing = { ...report, url: undefined, files: [], made: [], isDone: false, former: [], scopes: [], above: [] }
  try {
    const files = client.files(machine, mirrors)
    if (files.length === 0 && machine.home === undefined)
      throw new UsageError('there is no home folder for its settings: HOME names none by an absolute path')
    const led = client.reader.read(machine)
    const former = await formerOf(led, { machine, protocol, ...own })
    const scopes = await pastScopes(client.scopes?.(machine) ?? [], { machine, protocol, ...own })
    // What is written stands above all the rest, in whatever file that is.
    const replaced = former.filter(({ where }) => where.some((one) => !isAbove(one, files, machine)))
    const mirror =
      mirrors.find((one) => led.some(({ where, url }) => files.includes(where) && isBelow(url, one.url))) ??
      mirrors.find(({ name }) => name === replaced[0]?.mirror) ??
      defaultMirror(mirrors, protocol)
    if (!mirror)
      return {
        ...nothing,
        former,
        scopes,
        trouble: `the node has no mirror of ${protocol}${former.some(({ adoption }) => adoption) ? '' : ': add one with «warren mirrors add»'}`,
      }
    const plans = files.map((path) => plannedEdit(path, edited(client, { machine, mirror, mirrors }, path)))
    const lost = client.keepsFormer ? undefined : replaced.find((one) => one.mirror === undefined)
    const isStopped = lost !== undefined && !wanted.replace
    if (wanted.write && !isStopped) for (const plan of plans) write(plan, client.name)
    return {
      ...report,
      url: mirror.url,
      files: plans.map(fileReport),
      made: [],
      isDone: wanted.write && !isStopped,
      former,
      scopes,
      above: led
        .filter(({ where, url }) => isAbove(where, files, machine) && !isBelow(url, mirror.url))
        .map(({ where }) => where),
      trouble: isStopped
        ? `no mirror of the node asks ${lost.url}, which it is led to now: add one, or say --replace`
        : undefined,
    }
  } catch (error) {
    return { ...nothing, trouble: troubleOf(error) }
  }
}

/**
 * Takes back what was written for a client, but for what was written for one of the others, whose turn comes as well. Throws for nothing
 * that lies in its files.
 */
export function takeBack(client: SetupClient, machine: Machine, others: readonly SetupClient[] = []): ClientReport {
  const report = {
    client: client.name,
    javaHome: otherHome(client, machine),
    url: undefined,
    made: [],
    former: [],
    scopes: [],
    above: [],
    down: undefined,
    next: client.undone,
  }
  const names = others.filter((one) => one !== client).map(({ name }) => name)
  try {
    const plans = client.files(machine, []).flatMap((path) => plannedUndo(path, names) ?? [])
    undo(plans)
    return { ...report, files: plans.map(fileReport), isDone: plans.length > 0, trouble: undefined }
  } catch (error) {
    return { ...report, files: [], isDone: false, trouble: troubleOf(error) }
  }
}

/** The home folder that Java takes, where that is another one than HOME and files of the client are in it. */
function otherHome({ javaOptions, files }: SetupClient, machine: Machine): string | undefined {
  const home = javaOptions && javaHome(machine, javaOptions)
  if (home === undefined || home === machine.home) return undefined
  return files(machine, []).some((path) => path.startsWith(home + sep)) ? home : undefined
}

/** Whether a client that is led to a URL comes to a mirror, by whatever name of the listener. */
function isBelow(text: string, mirror: string): boolean {
  const [url, own] = [URL.parse(text), new URL(mirror)]
  return url !== null && isSameListener(url, own) && `${url.pathname}/`.startsWith(own.pathname)
}

function edited(client: SetupClient, setting: Setting, path: string) {
  return (text: string): string => {
    try {
      return client.edit(text, setting, path)
    } catch (error) {
      throw error instanceof NotEditable ? new NotEditable(`${path}: ${error.message}`) : error
    }
  }
}

function fileReport(change: FileChange): FileReport {
  const action = actionOf(change)
  return {
    path: change.path,
    action,
    diff: action === 'none' ? [] : previewOf(change),
    edited: change.edited,
    left: change.lost.flat().map(staying),
  }
}

function actionOf({ before, after }: FileChange): Action {
  if (before === after) return 'none'
  if (before === undefined) return 'create'
  return after === undefined ? 'remove' : 'change'
}

/** Whether a setting counts more than those of a user: that of a variable, or of the project in the working folder. */
function isAbove(where: string, files: readonly string[], machine: Machine): boolean {
  return !files.includes(where) && (!where.includes('/') || isOfProject(where, machine))
}

function troubleOf(error: unknown): string {
  if (error instanceof UsageError || error instanceof NotEditable) return error.message
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `${path === undefined ? 'a folder' : dirname(path)} may not be written by this user (${code}): run this as root`
  return error instanceof Error && code === undefined ? error.message : reasonOf(error)
}
