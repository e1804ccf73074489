import type { TestContext } from 'vitest'
import { cleanEnv, run } from './child-process.ts'
import { NOTHING_OUTSIDE } from './dead-end.ts'
import { requireGoProgram } from './go-program.ts'
import { type Blob, blobsOf, type Manifest, manifestsOf } from './oci-types.ts'

/** The suite of the OCI distribution specification, and the version of it that the tests were written with. */
const MODULE = 'github.com/opencontainers/distribution-spec/conformance'
const VERSION = 'v0.0.0-20260831232431-97274622c111'
const RUN_TIMEOUT_MS = 60_000
/** A line of its report: the name of a check, below those that it is part of, and what became of it. */
const CHECK = /^ *(OCI Conformance Test.*): (Pass|FAIL|Skip|Error|Disabled|Unknown)$/

export interface ConformanceInit {
  /** Base URL of the registry; its paths begin with `/v2/`. */
  readonly url: string
  readonly repository: string
  /** What the repository has: an image by tag, with all that it names. Without it the suite pushes what it reads. */
  readonly has?: { readonly tag: string; readonly image: Manifest }
  /** An empty folder that belongs to this run. */
  readonly work: string
}

interface Finding {
  readonly name: string
  readonly why: string
}

export interface ConformanceReport {
  /** Names of the checks that passed; the same name may be there several times. */
  readonly passed: readonly string[]
  readonly failed: readonly Finding[]
  /** Checks of what a registry need not be able to do, where it is not. */
  readonly skipped: readonly Finding[]
}

/** Path of the suite, built once by the Go of this machine; skips the test, saying why, when that cannot be done. */
export function requireConformance(context: TestContext): Promise<string> {
  return requireGoProgram(context, { module: MODULE, version: VERSION, name: 'oci-conformance' })
}

/** Runs the checks of reading, and of pushing too where nothing is said to be there. Rejects when the suite broke off. */
export async function runConformance(program: string, init: ConformanceInit): Promise<ConformanceReport> {
  const env = {
    OCI_REGISTRY: new URL(init.url).host,
    OCI_TLS: 'disabled',
    OCI_REPO1: init.repository,
    OCI_REPO2: `${init.repository}-other`,
    OCI_API_BLOBS_DIGEST_HEADER: 'true',
    OCI_API_BLOBS_DELETE: 'false',
    OCI_API_MANIFESTS_DELETE: 'false',
    OCI_API_TAGS_DELETE: 'false',
    OCI_RESULTS_DIR: init.work,
    HOME: init.work,
    ...(init.has ? readOnly(init.has) : { OCI_API_MANIFESTS_DIGEST_HEADER: 'true' }),
  }
  const done = await run([program], {
    cwd: init.work,
    env: cleanEnv({ ...NOTHING_OUTSIDE, ...env }),
    timeoutMs: RUN_TIMEOUT_MS,
  })
  // Its exit code tells nothing: without pushes it fails over its own bookkeeping once the report is written.
  if (!/^OCI Conformance Result: /m.test(done.stdout)) throw new Error(`the suite broke off: ${done.stdout}\n${done.stderr}`)
  return reportOf(done.stdout)
}

/** Of manifests that the suite did not make it sees the status only: it must not be told that their digests are in the headers. */
function readOnly({ tag, image }: NonNullable<ConformanceInit['has']>): Record<string, string> {
  return {
    OCI_API_PUSH: 'false',
    OCI_RO_DATA_TAGS: tag,
    OCI_RO_DATA_MANIFESTS: digests(manifestsOf(image)),
    OCI_RO_DATA_BLOBS: digests(blobsOf(image)),
    OCI_RO_DATA_REFERRERS: image.descriptor.digest,
  }
}

function digests(blobs: readonly Blob[]): string {
  return blobs.map(({ descriptor }) => descriptor.digest).join(' ')
}

function reportOf(output: string): ConformanceReport {
  const checks: { name: string; status: string; why: string[] }[] = []
  const [tree = ''] = output.split('\nConfiguration:\n')
  for (const line of tree.split('\n')) {
    const [, name, status] = CHECK.exec(line) ?? []
    if (name !== undefined && status !== undefined) checks.push({ name, status, why: [] })
    else checks.at(-1)?.why.push(line.replace(/^ *- /, ''))
  }
  const leaves = checks.filter(({ name }, at) => !checks[at + 1]?.name.startsWith(`${name}/`))
  const findings = (...wanted: string[]) =>
    leaves.filter(({ status }) => wanted.includes(status)).map(({ name, why }) => ({ name, why: why.join('\n').trim() }))
  return {
    passed: findings('Pass').map(({ name }) => name),
    failed: findings('FAIL', 'Error', 'Unknown'),
    skipped: findings('Skip'),
  }
}
