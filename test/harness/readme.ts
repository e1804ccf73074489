import { readFileSync } from 'node:fs'

/** What people read first. */
export const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** Texts of the examples in a language. */
export function examplesIn(language: string): string[] {
  return [...README.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , text = '']) => text)
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
