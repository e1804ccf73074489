import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CONTAINERFILE, copiesOf, environmentOf, stagesOfImage, stepsOf } from '../harness/containerfile.ts'

const ROOT = new URL('../../', import.meta.url)
const { build, final } = stagesOfImage()

test('what is copied into the build is there, and is let through', () => {
  const allowed = readFileSync(`${fileURLToPath(CONTAINERFILE)}.dockerignore`, 'utf8').split('\n')
  const sources = copiesOf(build).flatMap(({ from, sources }) => (from === undefined ? sources : []))
  expect(sources).toEqual(expect.arrayContaining(['package-lock.json', 'admin', 'node', 'protocols', 'deploy']))
  for (const source of sources) {
    expect([source, existsSync(new URL(source, ROOT))]).toEqual([source, true])
    expect(allowed).toContain(`!${source.replace(/^\.\//, '')}`)
  }
  expect(allowed.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*')
})

test('what runs is made of the build and of nothing else', () => {
  for (const { from, sources } of copiesOf(final)) {
    expect(from).toBe(build.name)
    for (const source of sources) expect(source.startsWith('/src/')).toBe(true)
  }
  expect(stepsOf(final, 'ADD')).toEqual([])
  // Both on the same base, so that what was compiled in the one runs in the other.
  expect(final.from).toBe(build.from)
})

test('it runs as a user of its own, by number, and keeps its data in a volume', () => {
  const [user] = stepsOf(final, 'USER')
  // A name would not do for runAsNonRoot of Kubernetes.
  expect(user).toMatch(/^[1-9]\d+:[1-9]\d+$/)
  const [volume] = stepsOf(final, 'VOLUME')
  expect(environmentOf(final).WARREN_DATA?.startsWith(`${volume}/`)).toBe(true)
  const [uid, gid] = (user ?? '').split(':')
  expect(stepsOf(final, 'RUN').at(-1)).toBe(`install -d -o ${uid} -g ${gid} -m 0750 ${volume}`)
  // After it nothing is left that root would have to do.
  expect(final.steps.findLastIndex(({ instruction }) => instruction === 'RUN')).toBeLessThan(
    final.steps.findIndex(({ instruction }) => instruction === 'USER'),
  )
})

test('its health check runs the probe that is in it', () => {
  const [check = ''] = stepsOf(final, 'HEALTHCHECK')
  const command = JSON.parse(check.replace(/^.*CMD /, '')) as string[]
  expect(command).toEqual(['node', copiesOf(final).at(-1)?.to])
})

test('the command is the one of the package', () => {
  const { bin } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { bin: { warren: string } }
  expect(stepsOf(final, 'RUN')).toContain(`ln -s /opt/warren/${bin.warren} /usr/local/bin/warren`)
  expect([stepsOf(final, 'ENTRYPOINT'), stepsOf(final, 'CMD')]).toEqual([['["warren"]'], ['["up"]']])
})
