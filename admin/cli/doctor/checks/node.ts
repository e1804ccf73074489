import { VERSION } from '../../../../node/version.ts'
import { START_ONE } from '../../exit-codes.ts'
import { formatSpan } from '../../format.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { type Scene, statusOf } from '../scene.ts'

/** Whether there is a node, and of which version. */
export function checkNode(scene: Scene): readonly Finding[] {
  const { node, trouble = 'no node answers', base, now } = scene
  // Where it would be asked is in the settings, whose mistakes are told already.
  if (!node && scene.local?.trouble !== undefined) return [note('not asked: where it is stands in the settings')]
  if (!node) return [wrong(trouble.split(`; ${START_ONE}`)[0] ?? trouble, `${START_ONE}, or name another with --node`)]
  const { id, version, state, startedAt } = node.status.node
  const about = `${id} at ${base.replace(/\/$/, '')}, version ${version}, up for ${formatSpan(now - startedAt)}`
  return [
    state === 'ready' ? ok(about) : wrong(`${about}, is stopping`, START_ONE),
    ...(version === VERSION
      ? []
      : [note(`this command is version ${VERSION}`, 'start the node anew after an update, so that both are the same')]),
    ...(statusOf(scene)
      ? []
      : [
          wrong(
            `it tells counts only: ${trouble}`,
            scene.local
              ? 'run this as its user, or as root, with a token that nobody else may read'
              : 'with that it tells the rest',
          ),
        ]),
  ]
}
