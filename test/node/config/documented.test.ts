import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtIns, ecosystems } from '../../../node/built-ins.ts'
import { defaults } from '../../../node/config/defaults.ts'
import { mirrorEntry } from '../../../node/config/mirror-entry.ts'
import type { MirrorConfig } from '../../../node/config/schema.ts'
import { settings } from '../../../node/config/settings.ts'
import { sitesOf } from '../../../protocols/sites.ts'
import { GUIDE_PAGES } from '../../harness/readme.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { makeCertificate } from '../upstream/certificate.ts'
import { loadText } from './setup.ts'

const folders = useTempFolders()

const documented = new Map(
  readFileSync(new URL('../../../node/README.md', import.meta.url), 'utf8')
    .split('<!-- settings -->')[1]
    ?.split(/\n## |\| key of a mirror/, 1)[0]
    ?.matchAll(/^\| `([\w.]+)` +\| (\S.*?) +\| (\S.*?) +\|$/gm)
    .map(([, key, value, text]) => [key as string, { value, text }] as const),
)

test('the documentation has every setting, in order, with its description', () => {
  const rows = [...documented].map(([key, { text }]) => [key, text])
  expect(rows).toEqual([...settings.values()].map(({ key, description }) => [key, description]))
})

test('the documentation has the defaults that apply', () => {
  const applying = defaults({ env: {}, home: '/home/you' })
  for (const [key, value] of applying) {
    const text = [value].flat().map((one) => `\`${String(one).replace('/home/you', '~')}\``)
    expect([key, documented.get(key)?.value]).toEqual([key, text.join(', ') || '–'])
  }
})

test('the documentation has every key of a mirror and every built-in one', () => {
  const text = readFileSync(new URL('../../../node/README.md', import.meta.url), 'utf8')
  const [intro = '', table = ''] = (text.split('A mirror under `mirrors` has')[1] ?? '').split('| key of a mirror')
  const keys = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `(\w+)` +\| (\S.*?) +\|/gm)].map(([, key, of]) => [key, of])
  expect(keys.map(([key]) => key)).toEqual(Object.keys(mirrorEntry.shape))
  for (const [key, of = ''] of keys) {
    const having = ecosystems.filter(({ settings }) => settings.some((one) => one === key)).map(({ name }) => `\`${name}\``)
    if (having.length > 0) expect([key, of]).toEqual([key, having.join(', ')])
  }
  for (const { name } of builtIns) expect(intro).toContain(`\`${name}\``)
})

const examples = [...GUIDE_PAGES, 'node/README.md'].flatMap((file) =>
  [...readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)].map(
    ([, text = '']) => [file, text] as const,
  ),
)

/** The files that an example names, with something in them that may stand there. */
function withFiles(text: string): string {
  const folder = folders.create()
  const contents = { 'hub|npm|corp': 'secret', 'config\\.json': '{}', '[a-z]+\\.pem': makeCertificate().cert }
  return Object.entries(contents).reduce((done, [name, content], i) => {
    const file = join(folder, `file-${i}`)
    writeFileSync(file, content)
    return done.replaceAll(new RegExp(`/(?:run/secrets|home/ann/\\.docker|etc/ssl)/(?:${name})(?=[ },\\n])`, 'g'), file)
  }, text)
}

test.for(examples)('the example in %s is taken:\n%s', ([, text]) => {
  expect(() => loadText(folders.create(), withFiles(text), { ecosystems })).not.toThrow()
})

test('the example of several registries means what is said beside it', () => {
  const [, text = ''] = examples.find(([, one]) => one.includes('"@corp/*": https')) ?? []
  const { config } = loadText(folders.create(), withFiles(text), { ecosystems })
  const asked = (mirror: string, name: string) => {
    try {
      return sitesOf(config.mirrors.find((one) => one.name === mirror) as MirrorConfig, name)
    } catch {
      return []
    }
  }
  const usual = builtIns.find(({ name }) => name === 'npm')?.upstreams
  expect(asked('npm', 'left-pad')).toEqual(usual)
  expect(asked('npm', '@corp/x')).toEqual(['https://npm.corp.example/'])
  expect(asked('npm', 'corp-legacy')).toEqual(['https://npm.corp.example/'])
  expect(asked('npm', '@secret/x')).toEqual([])
  const corp = ['https://maven.corp.example/releases/', 'https://maven.corp.example/central/']
  expect(asked('jars', 'org.other:lib')).toEqual(corp)
  expect(asked('jars', 'com.partner.x:lib')).toEqual(['https://maven.partner.example/'])
  expect(config.mirrors.find(({ name }) => name === 'jars')).toMatchObject({
    path: '/maven/jars/',
    lifetime: 60_000,
    authorities: [{ origin: 'https://maven.partner.example' }],
  })
})
