import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const folders = ['', ...readdirSync(root).map((name) => `${name}/`), 'test/bench/']
const pagesIn = (folder: string) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name)
const pages = [...pagesIn('deploy/docs/'), 'protocols/clients.md']
const documents = [...folders.map((folder) => `${folder}README.md`).filter((path) => existsSync(new URL(path, root))), ...pages]

const prose = (path: URL) => readFileSync(path, 'utf8').replace(/^```.*?^```$/gms, '')

/** As GitHub names headings. */
function anchorsIn(path: URL): string[] {
  const names = [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replace(/[^\p{L}\d _-]/gu, ''),
  )
  return names.map((name) => name.replaceAll(' ', '-'))
}

test('there are documents', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'node/README.md', 'protocols/README.md', 'test/README.md']))
})

test.for(documents)('%s leads to files and headings that there are', (document) => {
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

test.for(documents)('the tables of %s have as many cells in each row as in their head', (document) => {
  for (const table of prose(new URL(document, root)).match(/(?:^\|.*\|\n)+/gm) ?? []) {
    const cells = table
      .trim()
      .split('\n')
      .map((row) => row.replace(/`[^`]*`|\\\|/g, '').split('|').length)
    expect([table.split('\n')[0], ...new Set(cells)]).toHaveLength(2)
  }
})
