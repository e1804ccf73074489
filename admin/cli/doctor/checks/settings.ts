import { type Finding, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

/** Whether the settings of this machine can be read at all. */
export function checkSettings({ local }: Scene): readonly Finding[] {
  if (!local) return []
  const { settings, trouble = '' } = local
  if (settings) return [ok(settings.file === undefined ? 'no file, so the defaults' : settings.file)]
  return trouble
    .split('\n')
    .map((line) => wrong(line, 'mend it: a node does not start with that, and a running one goes on with what it had'))
}
