import { variables } from '../doctor/clients/client.ts'
import { go as goSettings } from '../doctor/clients/go.ts'
import type { EnvClient } from './client.ts'

/** What follows the first proxy in a list stays behind it: it is asked for what that does not have. */
export const go: EnvClient = {
  name: 'Go',
  type: 'golang',
  told: (machine) => {
    const { GOPROXY } = machine.env
    // «off» and «direct» are wishes as well.
    if (GOPROXY && /^(?:off|direct)\b/.test(GOPROXY)) return [{ where: 'GOPROXY', url: GOPROXY }]
    return goSettings.read(machine)
  },
  variables: (url, { env }) => ({ GOPROXY: `${url}${/[,|].*$/.exec(env.GOPROXY ?? '')?.[0] ?? ',direct'}` }),
}

/** Its list replaces the one that is built in, of which `ivy2Local` is a part. */
export const coursier: EnvClient = {
  name: 'coursier',
  type: 'maven',
  told: ({ env: { COURSIER_REPOSITORIES: list = '' } }) => {
    const others = list.split('|').filter((place) => !/^(?:|ivy2local|central)$/i.test(place))
    const [one, ...more] = others
    return one === undefined ? [] : [{ where: 'COURSIER_REPOSITORIES', url: more.length === 0 ? one : list }]
  },
  variables: (url) => ({ COURSIER_REPOSITORIES: `ivy2Local|${url.replace(/\/$/, '')}` }),
}

/** What fetches a Maven of the project's own: `mvnw`. */
export const mavenWrapper: EnvClient = {
  name: "Maven's wrapper",
  type: 'maven',
  told: (machine) => variables(machine, 'MVNW_REPOURL'),
  variables: (url) => ({ MVNW_REPOURL: url.replace(/\/$/, '') }),
}
