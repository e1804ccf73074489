import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
const pagesIn = (folder: string) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name)

/** Pages for whoever uses Warren, below the root, with what people read first at the beginning. */
export const GUIDE_PAGES: readonly string[] = ['README.md', ...pagesIn('deploy/docs/')]

/** All pages that speak of commands. */
export const ALL_PAGES: readonly string[] = [
  ...GUIDE_PAGES,
  ...['deploy/', 'node/', 'protocols/', 'test/', 'test/bench/'].flatMap(pagesIn),
]

/** Those pages, one after the other. */
export const GUIDE = GUIDE_PAGES.map((page) => readFileSync(new URL(page, root), 'utf8')).join('\n')

/** Texts of the examples in a language. */
export function examplesIn(language: string): string[] {
  return [...GUIDE.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , text = '']) => text)
}

/** The one example that has these words in it, with a node at `url` in the place of the one that people have. */
export function exampleWith(url: string, language: string, words: string): string {
  const [text, another] = examplesIn(language).filter((one) => one.includes(words))
  if (text === undefined || another !== undefined)
    throw new Error(`not one example in ${language || 'no language'} has «${words}»`)
  return at(url, text)
}

/** The line of that example which begins so, without the comment behind it. */
export function lineWith(url: string, language: string, words: string): string {
  const lines = exampleWith(url, language, words).split('\n')
  return (lines.find((line) => line.startsWith(words)) ?? '').replace(/\s+#.*$/, '')
}

function at(url: string, text: string): string {
  return text.replaceAll('127.0.0.1:7470', new URL(url).host)
}
