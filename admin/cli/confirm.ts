import { createInterface } from 'node:readline'

/** What somebody answered: no, where nothing came; `interrupted` by Ctrl-C. */
type Answer = 'yes' | 'no' | 'interrupted'

/** Asks whether something is meant. Whatever is not a clear yes is a no. */
export function confirm(
  question: string,
  { input, output }: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream },
): Promise<Answer> {
  const terminal = createInterface({ input, output })
  return new Promise((resolve) => {
    const end = (answer: Answer, mark = '') => {
      output.write(mark)
      resolve(answer)
      terminal.close()
    }
    terminal.once('SIGINT', () => end('interrupted', '\n'))
    // The end of the input closes it by itself.
    terminal.once('close', () => resolve('no'))
    terminal.question(question, (text) => end(/^y(?:es)?$/i.test(text.trim()) ? 'yes' : 'no'))
  })
}
