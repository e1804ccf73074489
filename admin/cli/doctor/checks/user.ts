import { type Finding, note, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

const OWN_USER = 'run it as a user of its own, as a service (User=warren in its unit), whose data folder nobody else may write'

/** Set by CI services in every job. */
const CI = ['CI', 'GITHUB_ACTIONS', 'GITLAB_CI', 'BUILDKITE', 'TF_BUILD', 'JENKINS_URL'] as const

/** Who the node runs as: whoever is the same user, such as the code of a job, owns it, with its keys and logins. */
export function checkUser({ node, local, machine }: Scene): readonly Finding[] {
  const user = node?.examination?.process.user
  if (!user) return []
  const name = user.name === null ? `user ${user.id}` : `${user.name} (${user.id})`
  if (user.id === 0) return [wrong(`it runs as root: what breaks into it has the machine`, OWN_USER)]
  // Of another machine the numbers of users say nothing.
  if (!local || machine.user !== user.id) return [ok(`it runs as ${name}`)]
  const logins = local.settings?.config.credentials?.length ?? 0
  const inJob = CI.some((variable) => machine.env[variable])
  if (inJob && logins > 0)
    return [
      wrong(
        `it runs as ${name}, as this job does, and has logins: the job can read them`,
        'give a node inside a job no credentials',
      ),
    ]
  const what = `it runs as ${name}, as you do: whatever runs as you, code of jobs included, can change what it hands out`
  return [inJob ? note(what) : note(what, `where jobs of others run, ${OWN_USER}`)]
}
