import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { succeeded } from '../harness/npm.ts'
import { useTempFolders } from '../harness/temp.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TIMEOUT_MS = 50_000

const stepSchema = z.looseObject({
  name: z.string().optional(),
  run: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
})
const jobSchema = z.looseObject({ permissions: z.record(z.string(), z.string()).optional(), steps: z.array(stepSchema) })
const { permissions, jobs } = z
  .looseObject({
    permissions: z.record(z.string(), z.string()),
    jobs: z.strictObject({ package: jobSchema, release: jobSchema.extend({ needs: z.literal('package') }) }),
  })
  .parse(parse(readFileSync(join(ROOT, '.github/workflows/release.yaml'), 'utf8')))
const steps = [...jobs.package.steps, ...jobs.release.steps]
const pack = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

const componentSchema = z.looseObject({ name: z.string(), purl: z.string(), version: z.string() })
const sbomSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  metadata: z.looseObject({ component: componentSchema }),
  components: z.array(componentSchema.extend({ hashes: z.array(z.unknown()).min(1) })),
})

const folders = useTempFolders()

function commandOf(name: string): string {
  const step = steps.find((one) => one.name === name)
  if (step?.run === undefined) throw new Error(`there is no step ${name} that runs something`)
  return step.run
}

/** Runs a step on what it reads of the repository. */
function runStep(name: string, folder: string, env: Record<string, string> = {}): Promise<Run> {
  const cwd = join(folder, 'warren-mesh')
  mkdirSync(cwd, { recursive: true })
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) copyFileSync(join(ROOT, file), join(cwd, file))
  // With nothing of an npm that runs the tests: it would tell this one where its package is.
  const own = cleanEnv({ HOME: folder, ...env })
  return run(['bash', '-eo', 'pipefail', '-c', commandOf(name)], { cwd, env: own, timeoutMs: TIMEOUT_MS })
}

test('a tag that is not the version is not released', async () => {
  const name = 'The tag is the version'
  expect(await runStep(name, folders.create(), { GITHUB_REF_NAME: `v${pack.version}` })).toMatchObject({ code: 0 })
  expect(await runStep(name, folders.create(), { GITHUB_REF_NAME: 'v0.0.0' })).toMatchObject({ code: 1 })
})

test('what the package is made of is all that it needs to run, with digests, and nothing that it is built with', async () => {
  const folder = folders.create()
  mkdirSync(join(folder, 'out'))
  succeeded(await runStep('What it is made of', folder))
  const { metadata, components } = sbomSchema.parse(JSON.parse(readFileSync(join(folder, 'out/warren-mesh.cdx.json'), 'utf8')))
  expect(metadata.component).toMatchObject({ name: 'warren-mesh', purl: `pkg:npm/warren-mesh@${pack.version}` })
  const names = components.map(({ purl }) => decodeURIComponent(purl.replace(/^pkg:npm\/|@[^@]*$/g, '')))
  expect(names).toEqual(expect.arrayContaining(Object.keys(pack.dependencies)))
  // Some of what builds it is needed by a dependency as well; these are not.
  for (const name of ['vitest', '@biomejs/biome', 'vite', 'node']) {
    expect(Object.keys(pack.devDependencies)).toContain(name)
    expect(names).not.toContain(name)
  }
})

test('a release is published with its provenance, after the tests, without a token that could leak', () => {
  const at = (words: string) => steps.findIndex((step) => `${step.run ?? ''}${step.uses ?? ''}`.includes(words))
  const order = ['npm test', 'npm pack', 'npm sbom', 'attest-build-provenance', 'attest-sbom', 'npm publish', 'gh release'].map(
    at,
  )
  expect(order).toEqual([...order].sort((one, other) => one - other))
  expect(order).not.toContain(-1)
  expect(commandOf('Publish')).toContain('--provenance')
  expect(JSON.stringify(steps)).not.toContain('secrets.')
})

test('what runs packages of others may only read, and no action can be exchanged under its tag', () => {
  expect([permissions, jobs.package.permissions]).toEqual([{ contents: 'read' }, undefined])
  expect(jobs.release.permissions).toEqual({ contents: 'write', 'id-token': 'write', attestations: 'write' })
  expect(JSON.stringify(jobs.package)).not.toContain('github.token')
  expect(jobs.release.steps.flatMap((step) => step.run ?? [])).toEqual([commandOf('Publish'), commandOf('Release')])
  for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w-]+@[\da-f]{40}$/)
})

test('no token stays in the checkout, and nothing of another run comes in by a cache', () => {
  const settings = (action: string) => steps.filter(({ uses }) => uses?.startsWith(`actions/${action}@`)).map((one) => one.with)
  expect(settings('checkout')).toMatchObject([{ 'persist-credentials': false }])
  expect(settings('setup-node')).toMatchObject(Array(2).fill({ 'package-manager-cache': false }))
  expect(settings('cache')).toEqual([])
})
