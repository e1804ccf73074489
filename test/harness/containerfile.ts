import { readFileSync } from 'node:fs'

/** One instruction of a Containerfile, such as `COPY --from=build /src /opt`. */
interface Step {
  readonly instruction: string
  readonly text: string
}

/** What one `FROM` begins. */
export interface Stage {
  readonly from: string
  /** What later stages call it. */
  readonly name: string | undefined
  readonly steps: readonly Step[]
}

/** The image that this repository makes. */
export const CONTAINERFILE = new URL('../../deploy/Containerfile', import.meta.url)

/** Stages in order. What stands before the first `FROM` is left out: it only names what that is. */
function stagesOf(text: string): Stage[] {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { from: string; name: string | undefined; steps: Step[] }[] = []
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
    if (instruction === '') throw new Error(`no instruction: ${line}`)
    const [, from = '', name] = (instruction === 'FROM' && /^(\S+)(?: AS (\S+))?$/.exec(rest)) || []
    if (from !== '') stages.push({ from, name, steps: [] })
    else stages.at(-1)?.steps.push({ instruction, text: rest })
  }
  return stages
}

/** What the image is made by. */
export function stagesOfImage(): { build: Stage; final: Stage } {
  const [build, final, ...more] = stagesOf(readFileSync(CONTAINERFILE, 'utf8'))
  if (!build || !final || more.length > 0) throw new Error('the Containerfile has other stages than a build and what runs')
  return { build, final }
}

/** Texts of all steps of this kind. */
export function stepsOf({ steps }: Stage, instruction: string): string[] {
  return steps.filter((step) => step.instruction === instruction).map(({ text }) => text)
}

/** What the image sets in the environment of whatever runs in it. */
export function environmentOf(stage: Stage): Record<string, string> {
  return Object.fromEntries(
    stepsOf(stage, 'ENV').map((text) => {
      const [, name = '', value = ''] = /^(\w+)=(\S+)$/.exec(text) ?? []
      return [name, value]
    }),
  )
}

/** Where and what it copies from the other stage, or from the folder that it is built of: sources, then the place. */
export function copiesOf(stage: Stage): { from: string | undefined; sources: string[]; to: string }[] {
  return stepsOf(stage, 'COPY').map((text) => {
    const [, from] = /^--from=(\S+) /.exec(text) ?? []
    const paths = text.replace(/^--from=\S+ /, '').split(/\s+/)
    return { from, sources: paths.slice(0, -1), to: paths.at(-1) ?? '' }
  })
}
