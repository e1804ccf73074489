import { styleText } from 'node:util'

/** Where a command writes to: stdout or stderr. */
export type Output = NodeJS.WritableStream

type Style = Parameters<typeof styleText>[0]

/** Text with a style on a terminal; plain in a pipe, and wherever NO_COLOR or the terminal says so. */
export function styled(output: Output, style: Style, text: string): string {
  return styleText(style, text, { stream: output })
}

/**
 * Rows as lines with aligned columns, two spaces between them and none at the end. The last cell of a row is not padded, so it
 * widens no column either. `decorate` styles a cell: widths are those of the plain text.
 */
export function aligned(
  rows: readonly (readonly string[])[],
  init: { indent?: string; decorate?: (cell: string, row: number, column: number) => string } = {},
): string[] {
  const { indent = '', decorate = (cell) => cell } = init
  const table = rows.map((row) => row.slice(0, row.findLastIndex((cell) => cell !== '') + 1).map(printable))
  const widths: number[] = []
  for (const row of table) {
    for (const [column, cell] of row.slice(0, -1).entries()) widths[column] = Math.max(widths[column] ?? 0, lengthOf(cell))
  }
  return table.map((row, at) => {
    const cells = row.map((cell, column) => {
      const padding = column === row.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - lengthOf(cell))
      return decorate(cell, at, column) + padding
    })
    return cells.length === 0 ? '' : indent + cells.join('  ')
  })
}

/** A table with its first row as the heading. */
export function table(output: Output, rows: readonly (readonly string[])[]): string[] {
  return aligned(rows, { decorate: (cell, row) => (row === 0 ? styled(output, 'dim', cell) : cell) })
}

export function writeLines(output: Output, lines: readonly string[]): void {
  output.write(`${lines.join('\n')}\n`)
}

/** What came from elsewhere must not steer the terminal, nor begin a line of its own. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function lengthOf(text: string): number {
  return [...text].length
}
