import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'
import { cleanEnv, run } from '../../harness/child-process.ts'

export const RECIPES = fileURLToPath(new URL('../../../deploy/ci/', import.meta.url))

interface Job {
  /** Working folder: a checkout. */
  readonly work: string
  /** Variables of the machine. */
  readonly env: Readonly<Record<string, string>>
  /** What the system keeps secret, by its name there. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Runs a recipe as its system does, as far as such a one goes; whether the job is a success. */
export type Runner = (job: Job) => Promise<boolean>

const step = z.object({
  run: z.string().optional(),
  uses: z.string().optional(),
  if: z.string().optional(),
  env: z.record(z.string(), z.string()).default({}),
  with: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
})
const workflow = z.object({ jobs: z.object({ build: z.object({ steps: z.array(step) }) }) })
const action = z.object({
  inputs: z.record(z.string(), z.object({ default: z.string() })).default({}),
  runs: z.object({ using: z.literal('composite'), steps: z.array(step.extend({ shell: z.literal('sh') })) }),
})

type Step = z.output<typeof step>

const yaml = (path: string) => parse(readFileSync(join(RECIPES, path), 'utf8'))

async function shell(command: readonly [string, ...string[]], { work }: Job, env: Record<string, string>): Promise<boolean> {
  const { code, timedOut } = await run(command, { cwd: work, env: cleanEnv(env), timeoutMs: 60_000 })
  return code === 0 && !timedOut
}

/** Systems with workflows of steps: GitHub's, and Forgejo's. */
function workflowRunner(path: string): Runner {
  return async (job) => {
    const { steps } = workflow.parse(yaml(path)).jobs.build
    const temporary = join(job.work, '_temp')
    mkdirSync(temporary)
    const file = join(temporary, 'env')
    writeFileSync(file, '')
    const context: Record<string, string> = { 'runner.temp': temporary }
    for (const [name, value] of Object.entries(job.secrets)) context[`secrets.${name}`] = value
    let isGood = true
    const act = async (one: Step, values: Record<string, string>, more: Record<string, string> = {}) => {
      const own = Object.fromEntries(Object.entries(one.env).map(([name, text]) => [name, filledIn(text, values)]))
      const set = Object.fromEntries(readFileSync(file, 'utf8').split('\n').filter(Boolean).map(assignment))
      const env = { ...job.env, ...set, GITHUB_ENV: file, ...more, ...own }
      if (!(await shell(['sh', '-e', '-c', filledIn(one.run ?? '', values)], job, env))) isGood = false
    }
    for (const one of steps) {
      if (!isGood && one.if !== 'always()') continue
      if (one.run !== undefined) await act(one, context)
      const folder = /^OWNER\/warren\/deploy\/ci\/(\S+)@v[\d.]+$/.exec(one.uses ?? '')?.[1]
      if (folder === undefined) continue
      const { inputs, runs } = action.parse(yaml(`${folder}/action.yml`))
      const given = { ...context }
      for (const [name, { default: value }] of Object.entries(inputs))
        given[`inputs.${name}`] = filledIn(String(one.with[name] ?? value), context)
      for (const inner of runs.steps) await act(inner, given, { GITHUB_ACTION_PATH: join(RECIPES, folder) })
    }
    return isGood
  }
}

/** Throws for an expression that nobody gave a value: a secret of another name, for one. */
function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{\{ (\S+) \}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`nobody gives ${name} a value`)
    return value
  })
}

function assignment(line: string): [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

const gitLabJob = z.object({
  variables: z.record(z.string(), z.string()),
  before_script: z.array(z.string()),
  after_script: z.array(z.string()),
})

const gitLab: Runner = async (job) => {
  const { '.warren': base, build } = yaml('gitlab/gitlab-ci.yml')
  const { variables, before_script: before, after_script: after } = gitLabJob.parse(base)
  const { script } = z.object({ extends: z.literal('.warren'), script: z.array(z.string()) }).parse(build)
  const system: Record<string, string> = { CI_BUILDS_DIR: job.work, CI_JOB_ID: '17' }
  const expanded = Object.entries(variables).map(([name, text]) => [
    name,
    text.replace(/\$(\w+)/g, (_, of: string) => system[of] ?? ''),
  ])
  const env = { ...job.env, ...system, ...job.secrets, ...Object.fromEntries(expanded) }
  const isGood = await shell(['sh', '-e', '-c', [...before, ...script].join('\n')], job, env)
  await shell(['sh', '-e', '-c', after.join('\n')], job, env)
  return isGood
}

const woodpecker: Runner = async (job) => {
  const secret = z.object({ from_secret: z.string() })
  const one = z.object({ environment: z.record(z.string(), z.union([z.string(), secret])), commands: z.array(z.string()) })
  const [build] = z.object({ steps: z.tuple([one]) }).parse(yaml('woodpecker/woodpecker.yml')).steps
  const given = Object.entries(build.environment).map(([name, value]) => {
    if (typeof value === 'string') return [name, value.replace('/tmp/', `${job.work}/`)]
    const kept = job.secrets[value.from_secret.toUpperCase()]
    if (kept === undefined) throw new Error(`there is no secret ${value.from_secret}`)
    return [name, kept]
  })
  return shell(['sh', '-e', '-c', build.commands.join('\n')], job, { ...job.env, ...Object.fromEntries(given) })
}

const jenkins: Runner = async (job) => {
  const text = readFileSync(join(RECIPES, 'jenkins/Jenkinsfile'), 'utf8')
  const [, data = ''] = /WARREN_DATA = "\$\{env\.WORKSPACE_TMP\}(\/\w+)"/.exec(text) ?? []
  const env = { ...job.env, WARREN_DATA: `${job.work}@tmp${data}` }
  const [stages = '', post = ''] = text.split(/^ {4}post \{/m)
  let [isGood, secret] = [true, '']
  for (const line of stages.split('\n')) {
    const [, id, variable] = /withCredentials\(\[string\(credentialsId: '([\w-]+)', variable: '(\w+)'\)\]\) \{/.exec(line) ?? []
    if (id !== undefined) secret = `${variable}=${job.secrets[id.toUpperCase().replace('-', '_')]}`
    // The end of its block.
    if (/^ {16}\}/.test(line)) secret = ''
    const command = commandIn(line)
    if (command === undefined || !isGood) continue
    const own = secret === '' ? {} : Object.fromEntries([assignment(secret)])
    isGood = await shell(['sh', '-e', '-c', command], job, { ...env, ...own })
  }
  for (const line of post.split('\n')) {
    const command = commandIn(line)
    if (command !== undefined) await shell(['sh', '-e', '-c', command], job, env)
  }
  return isGood
}

/** Of a step `sh '…'`, in whose string nothing stands for anything else. */
function commandIn(line: string): string | undefined {
  return /^\s*sh '([^'\\]*)'$/.exec(line)?.[1]
}

export const RUNNERS: Readonly<Record<string, Runner>> = {
  'github/workflow.yml': workflowRunner('github/workflow.yml'),
  'forgejo/workflow.yml': workflowRunner('forgejo/workflow.yml'),
  'gitlab/gitlab-ci.yml': gitLab,
  'woodpecker/woodpecker.yml': woodpecker,
  'jenkins/Jenkinsfile': jenkins,
}

/** A checkout with the script where recipes want it. */
export function checkout(work: string): string {
  const script = join(work, 'ci/warren-ci.sh')
  mkdirSync(dirname(script), { recursive: true })
  if (!existsSync(script)) copyFileSync(join(RECIPES, 'warren-ci.sh'), script)
  return work
}
