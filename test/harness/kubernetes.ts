import { realpathSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { findProgram } from '../../admin/cli/programs.ts'
import { cleanEnv, run } from './child-process.ts'
import { requireGoProgram } from './go-program.ts'
import { requirePip } from './pip.ts'
import { requirePipProgram } from './pip-program.ts'
import { KEPT_PROGRAMS } from './tools.ts'

const TIMEOUT_MS = 180_000
const MANIFESTS = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url))
/** The version of the validator that the tests were written with; it brings the schemas of ten versions of Kubernetes along. */
const VALIDATOR = 'kubernetes-validate==1.37.0'

const probe = z.looseObject({ exec: z.strictObject({ command: z.array(z.string()) }) })
const envSchema = z.strictObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.strictObject({ fieldRef: z.looseObject({ fieldPath: z.string() }) }).optional(),
})
const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).default([]),
  env: z.array(envSchema).default([]),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  resources: z.looseObject({}),
  securityContext: z.looseObject({
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    runAsUser: z.number().optional(),
    capabilities: z.strictObject({ drop: z.array(z.string()), add: z.array(z.string()).default([]) }),
  }),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) })),
})
const volumeSchema = z.looseObject({
  name: z.string(),
  configMap: z.looseObject({ name: z.string() }).optional(),
  secret: z.looseObject({ secretName: z.string(), defaultMode: z.number() }).optional(),
  hostPath: z.looseObject({ path: z.string() }).optional(),
})
const podSchema = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).default([]),
    volumes: z.array(volumeSchema).default([]),
    hostNetwork: z.boolean().default(false),
    terminationGracePeriodSeconds: z.number(),
    securityContext: z.looseObject({ runAsUser: z.number(), runAsGroup: z.number() }),
  }),
})

export type Container = z.output<typeof containerSchema>
export type Pod = z.output<typeof podSchema>

/** Any object; `data` and `spec` are as they are in the text. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
  // biome-ignore lint/suspicious/noExplicitAny: what is in it depends on its kind, and the schemas of Kubernetes are checked elsewhere
  readonly spec?: any
}

/** All objects of a text in YAML. */
export function objectsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => document.toJS() ?? [])
}

/** The one object of this kind and name. */
export function objectOf(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const [found, another] = objects.filter((one) => one.kind === kind && one.metadata.name === name)
  if (!found || another) throw new Error(`there is not one ${kind} ${name}`)
  return found
}

/** What a StatefulSet or DaemonSet makes. */
export function podOf(object: KubernetesObject): Pod {
  return podSchema.parse(object.spec.template)
}

/** How to render a folder of Kustomize: by kubectl or kustomize, else by a kustomize that Go builds; skips the test without any. */
export async function requireKustomize(context: TestContext): Promise<(folder: string) => Promise<string>> {
  const kubectl = findProgram('kubectl')
  const command: [string, ...string[]] = kubectl
    ? [kubectl, 'kustomize']
    : [findProgram('kustomize') ?? (await requireGoProgram(context, KUSTOMIZE)), 'build']
  return (folder) => output([...command, folder], folder)
}

/** Writes an overlay of the base with a component into an empty folder, as somebody would who uses it. Returns the folder. */
export function overlayWith(folder: string, component: string): string {
  const [resource, part] = ['base', `components/${component}`].map((one) =>
    relative(realpathSync(folder), join(MANIFESTS, one)),
  )
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ resources: [resource], components: [part] }))
  return folder
}

const KUSTOMIZE = { module: 'sigs.k8s.io/kustomize/kustomize/v5', version: 'v5.7.1', name: 'kustomize' }

const HELM = { module: 'helm.sh/helm/v3/cmd/helm', version: 'v3.18.6', name: 'helm' }

/** Helm: that of this machine, else one that Go builds; skips the test without. */
export async function requireHelm(context: TestContext): Promise<(...args: string[]) => Promise<string>> {
  const helm = findProgram('helm') ?? (await requireGoProgram(context, HELM))
  return (...args) => output([helm, ...args], KEPT_PROGRAMS)
}

/**
 * What the schemas of a version of Kubernetes say of manifests: a line for each object, unknown fields included. By a program that pip
 * puts into the folder of kept clients; skips the test without.
 */
export async function requireSchemas(context: TestContext): Promise<(file: string, version: string) => Promise<string[]>> {
  const python = await requirePip(context)
  const { folder, program } = await requirePipProgram(context, python, { name: 'kubernetes-validate', wanted: VALIDATOR })
  return async (file, version) => {
    const command = [python, program, '--strict', '--kubernetes-version', version, file] as const
    const done = await run(command, { cwd: folder, env: cleanEnv({ PYTHONPATH: folder }), timeoutMs: TIMEOUT_MS })
    return `${done.stdout}${done.stderr}`.trim().split('\n')
  }
}

async function output(command: readonly [string, ...string[]], cwd: string): Promise<string> {
  const done = await run(command, { cwd, env: cleanEnv({ HOME: cwd }), timeoutMs: TIMEOUT_MS })
  if (done.code !== 0) throw new Error(`${command.join(' ')} ended with ${done.code}: ${done.stderr}`)
  return done.stdout
}
