import { type Diagnosis, examine } from '../doctor/checks.ts'
import type { Level } from '../doctor/finding.ts'
import { gather } from '../doctor/gather.ts'
import { EXIT } from '../exit-codes.ts'
import { plural } from '../format.ts'
import type { NodeOptions } from '../node-address.ts'
import { aligned, type Output, styled, writeLines } from '../print.ts'

const STYLES = { ok: 'green', note: 'yellow', wrong: 'red' } as const satisfies Record<Level, string>

/** Looks a node and this machine over, and says what to do. Exit code 1 where something is wrong. Changes nothing. */
export async function doctor(options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const found = await examine(await gather(options))
  const wrong = found.filter(({ level }) => level === 'wrong').length
  if (options.json) writeLines(process.stdout, [JSON.stringify({ wrong, findings: found }, null, 2)])
  else writeLines(process.stdout, doctorLines(found, process.stdout))
  if (wrong > 0) process.exitCode = EXIT.failure
}

/** What was found, for people: what to do stands below what is wrong. */
export function doctorLines(found: readonly Diagnosis[], output: Output): string[] {
  const rows = found.flatMap(({ check, level, what, action }, at) => [
    [check === found[at - 1]?.check ? '' : check, level, what],
    ...(action === undefined ? [] : [['', '', `→ ${action}`]]),
  ])
  const lines = aligned(rows, {
    decorate: (cell, _row, column) => {
      if (column === 0) return styled(output, 'dim', cell)
      return column === 1 && cell in STYLES ? styled(output, STYLES[cell as Level], cell) : cell
    },
  })
  const count = (level: Level) => found.filter((one) => one.level === level).length
  const rest = count('note') > 0 ? `, ${plural(count('note'), 'note')}` : ''
  return [...lines, '', count('wrong') === 0 ? `Nothing is wrong${rest}.` : `${plural(count('wrong'), 'thing')} wrong${rest}.`]
}
