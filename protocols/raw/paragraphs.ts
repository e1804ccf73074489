import { setImmediate } from 'node:timers/promises'

/** Bytes of one paragraph: the longest, of a source package with thousands of binaries, has 300 KB. */
const MAX_PARAGRAPH = 8 << 20
/** Any number of empty lines: a file that has nothing else is no million paragraphs. */
const BREAK = /\n{2,}/

/**
 * The paragraphs of a control file (Debian Policy 5.1), as many at a time as a piece completes, each with a line break before its
 * first line. Bytes are characters here: paths are hashed as they stand. Each piece is looked at once, however long the paragraph
 * that it is of, and others have their turn between two.
 */
export async function* paragraphsOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string[], void> {
  let begun: string[] = []
  let length = 0
  for await (const piece of pieces) {
    const text = piece.toString('latin1')
    // The break between two paragraphs may be one between two pieces, too.
    const isCut = text.startsWith('\n') && begun.at(-1)?.endsWith('\n') === true
    const [first = '', ...others] = (isCut ? text.slice(1) : text).split(BREAK)
    let complete = isCut ? [begun.join('').slice(0, -1)] : []
    if (isCut) begun = []
    if (first !== '') begun.push(first)
    const last = others.pop()
    if (last !== undefined) {
      complete = [...complete, begun.join(''), ...others]
      begun = [last]
    }
    length = last === undefined && !isCut ? length + first.length : (last ?? first).length
    if (length > MAX_PARAGRAPH) throw new Error('it has no paragraphs')
    yield complete.filter((one) => one !== '').map((one) => `\n${one}`)
    await setImmediate()
  }
  yield [`\n${begun.join('')}`]
}
