import { styleText } from 'node:util'
import { type Logger, pino } from 'pino'
import { currentRequestId } from './request-id.ts'

type Style = Parameters<typeof styleText>[0]

/** By the numbers of pino; what is less severe than all of them is told without a word for it. */
const LEVELS: readonly (readonly [least: number, name: string, style: Style])[] = [
  [50, 'error', 'red'],
  [40, 'warning', 'yellow'],
]

/** The log of a node, on stderr: lines for people on a terminal, JSON for programs everywhere else. */
export function makeLog(level: string): Logger {
  const { stderr } = process
  const terminal = {
    write: (line: string) => void stderr.write(readable(line, (style, text) => styleText(style, text, { stream: stderr }))),
  }
  return pino({ level, base: null, mixin: requestFields }, stderr.isTTY ? terminal : pino.destination({ fd: 2, sync: true }))
}

/** In every line about a request, wherever it is written, for `mixin`. */
export function requestFields(): { request?: string } {
  const request = currentRequestId()
  return request === undefined ? {} : { request }
}

/** A line of the log as people read it: time, severity where there is trouble, message, and what it concerns. */
export function readable(line: string, style: (style: Style, text: string) => string): string {
  const { level, time, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>
  const [, name, colour] = LEVELS.find(([least]) => Number(level) >= least) ?? []
  const concerns = Object.entries(facts).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const words = [
    style('dim', new Date(Number(time)).toTimeString().slice(0, 8)),
    ...(name && colour ? [style(colour, name)] : []),
    printable(String(msg ?? '')),
    ...(concerns.length > 0 ? [style('dim', printable(concerns.join(' ')))] : []),
  ]
  return `${words.join('  ')}\n${stackOf(err)}`
}

/** Only of what nobody expected: whoever reports it will be asked for it. */
function stackOf(err: unknown): string {
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? String(err.stack) : ''
  return stack === ''
    ? ''
    : `${stack
        .split('\n')
        .map((at) => `  ${printable(at)}`)
        .join('\n')}\n`
}

/** What upstreams and clients say must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
