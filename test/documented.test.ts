import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ALL_PAGES } from './harness/readme.ts'

const root = new URL('../', import.meta.url)
const prose = (path: URL) => readFileSync(path, 'utf8').replace(/^```.*?^```$/gms, '')

/** As GitHub names headings. */
function anchorsIn(path: URL): string[] {
  const names = [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replace(/[^\p{L}\d _-]/gu, ''),
  )
  return names.map((name) => name.replaceAll(' ', '-'))
}

test.for(ALL_PAGES)('%s leads to files and headings that there are', (document) => {
  const here = new URL(document, root)
  const links = [...prose(here).matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link))
  for (const link of links) {
    const { href, hash } = new URL(link, here)
    const file = new URL(href.replace(/#.*$/, ''))
    expect([link, existsSync(file)]).toEqual([link, true])
    if (hash) expect(anchorsIn(file)).toContain(hash.slice(1))
  }
})

test.for(ALL_PAGES)('the tables of %s have as many cells in each row as in their head', (document) => {
  for (const table of prose(new URL(document, root)).match(/(?:^\|.*\|\n)+/gm) ?? []) {
    const cells = table
      .trim()
      .split('\n')
      .map((row) => row.replace(/`[^`]*`|\\\|/g, '').split('|').length)
    expect([table.split('\n')[0], ...new Set(cells)]).toHaveLength(2)
  }
})
