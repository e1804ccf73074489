/** A text in lines, each with its own ending; the last one may have none. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** A line without its ending. */
export function bare(line: string): string {
  return line.replace(/\r?\n$/, '')
}

/** How lines of a text end: as the first one does. */
export function endingOf(text: string): string {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
}

/** Lines put in before a place, or in the place of others; each ends as those of the text do. */
export function spliced(text: string, at: number, removed: number, added: readonly string[]): string {
  const lines = linesOf(text)
  const ending = endingOf(text)
  const before = lines.slice(0, at)
  const last = before.at(-1)
  // A last line without an ending would run into what follows.
  if (last !== undefined && added.length > 0 && bare(last) === last) before[before.length - 1] = last + ending
  return [...before, ...added.map((line) => line + ending), ...lines.slice(at + removed)].join('')
}

/** Lines put at the end, after a blank one where something stands there. */
export function appended(text: string, added: readonly string[]): string {
  const lines = linesOf(text)
  const isBlank = lines.length === 0 || bare(lines.at(-1) ?? '').trim() === ''
  return spliced(text, lines.length, 0, isBlank ? added : ['', ...added])
}
