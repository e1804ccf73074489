import { type Output, printable, styled } from '../print.ts'
import type { Former } from './adopt.ts'
import { commandFor } from './adoption.ts'
import { backupOf } from './record.ts'
import type { ClientReport, FileReport } from './report.ts'
import type { PastScope } from './scopes.ts'

interface Look {
  readonly done: 'show' | 'write' | 'undo'
  /** Whether the node answered; undefined where it was not asked. */
  readonly runs: boolean | undefined
  readonly output: Output
}

/** What was done for clients, or would be, for people. */
export function reportLines(reports: readonly ClientReport[], look: Look): string[] {
  // What was never set up needs no line where all are taken back.
  const told = look.done === 'undo' && reports.length > 1 ? reports.filter(isWorthTelling) : reports
  const blocks = withScopesOnce(told).flatMap((report) => [...clientLines(report, look).map(printable), ''])
  const would = look.done === 'show' && reports.some(({ files }) => files.some(({ action }) => action !== 'none'))
  return [
    ...(look.done !== 'undo' && look.runs === false ? ['No node runs now: the addresses are those of its settings.', ''] : []),
    ...(told.length === 0
      ? [look.done === 'undo' ? 'Nothing was written.' : 'No client is installed here that can be set up.', '']
      : []),
    ...blocks.map((line) => coloured(line, look.output)),
    ...(would ? ['Nothing is written. --write does it, and --undo takes it back.'] : []),
  ].slice(0, would ? undefined : -1)
}

function clientLines(report: ClientReport, { done }: Look): string[] {
  const { client, url, files, made, isDone, former, scopes, above, javaHome, down, next, trouble } = report
  const changed = files.filter(({ action }) => action !== 'none')
  if (done === 'undo') return undoLines(report)
  return [
    url === undefined ? client : `${client} → ${url}`,
    ...made.map((name) => `  the node has a mirror for it now: ${name}`),
    ...troubleLines(trouble),
    ...(trouble === undefined && changed.length === 0 ? ['  is led there already'] : []),
    ...changed.flatMap((file) => [...(isDone ? [`  ${writtenText(file)}`] : []), ...file.diff.map((line) => `  ${line}`)]),
    ...former.flatMap((one) => formerLines(one)),
    ...scopes.flatMap((one) => scopeLines(one)),
    ...homeLines(javaHome),
    ...above.map((where) => `  ${where} stands above that: take its setting away`),
    ...(down === undefined ? [] : [`  while no node runs: ${down}`]),
    ...(next === undefined || changed.length === 0 ? [] : [`  ${next}`]),
  ]
}

function homeLines(javaHome: string | undefined): string[] {
  return javaHome === undefined ? [] : [`  Java takes ${javaHome} for the home folder, whatever HOME says`]
}

function isWorthTelling({ files, trouble }: ClientReport): boolean {
  return files.length > 0 || trouble !== undefined
}

/** Some say what to write, in lines. */
function troubleLines(trouble: string | undefined): string[] {
  return trouble === undefined ? [] : trouble.split('\n').map((line, at) => (at === 0 ? `  not done: ${line}` : `    ${line}`))
}

function undoLines({ client, files, javaHome, next, trouble }: ClientReport): string[] {
  if (trouble !== undefined) return [client, ...troubleLines(trouble)]
  if (files.length === 0) return [`${client}: nothing was written for it`, ...homeLines(javaHome)]
  return [
    client,
    ...files.flatMap(({ path, diff, action, left, edited }) => [
      `  ${path} ${action === 'remove' ? 'is removed: there was none' : edited ? 'is as it was, but for what was changed in it since, which stays' : 'is as it was'}`,
      ...diff.map((line) => `  ${line}`),
      ...(left.length === 0
        ? []
        : [`  changed since, so that it stays as it is; compare ${backupOf(path)} with what was written:`]),
      ...left.map((line) => `    ${line}`),
    ]),
    ...(next === undefined ? [] : [`  ${next}`]),
  ]
}

function writtenText({ path, action }: FileReport): string {
  return action === 'create' ? `wrote ${path}, which there was not` : `wrote ${path}; as it was it is in ${backupOf(path)}`
}

/** How the node comes to ask where the client was led before. */
function formerLines({ url, where, logins, mirror, adoption }: Former): string[] {
  if (mirror !== undefined) return [`  it was led to ${url} (${where.join(', ')}), which the mirror ${mirror} asks`]
  return [
    `  it was led to ${url} (${where.join(', ')}), which no mirror asks${adoption === undefined ? '' : '; this makes one:'}`,
    ...(adoption === undefined ? [] : [`    ${commandFor(adoption)}`]),
    ...loginLines(logins),
  ]
}

/** Several clients read one file. */
function withScopesOnce(reports: readonly ClientReport[]): ClientReport[] {
  const told = new Set<string>()
  return reports.map((report) => ({
    ...report,
    scopes: report.scopes.filter(({ scope, where }) => {
      const one = `${scope} ${where}`
      return !told.has(one) && told.add(one)
    }),
  }))
}

/** How the packages of a scope come by the node as well. */
function scopeLines({ scope, url, where, logins, mirror, adoption, line }: PastScope): string[] {
  const says = `  packages of ${scope} go past the node, to ${url} (${where.join(', ')})`
  if (mirror === undefined && adoption === undefined) return [says]
  return [
    `${says}; to have them come by it:`,
    ...(adoption === undefined ? [] : [`    ${commandFor(adoption)}`]),
    `    ${line} in the place of what stands there`,
    ...(mirror === undefined ? loginLines(logins) : []),
  ]
}

function loginLines(logins: readonly string[]): string[] {
  return logins.map((place) => `    its login is ${place}: the node wants it under «credentials» in its settings`)
}

function coloured(line: string, output: Output): string {
  if (/^ {2}-(?!--)/.test(line)) return styled(output, 'red', line)
  return /^ {2}\+(?!\+\+)/.test(line) ? styled(output, 'green', line) : line
}
