import type { SetupClient } from '../../../../admin/cli/setup/client.ts'
import { cargoConfig } from '../../../../admin/cli/setup/clients/cargo-config.ts'
import { mavenSettings } from '../../../../admin/cli/setup/clients/maven-settings.ts'
import { sbtRepositories } from '../../../../admin/cli/setup/clients/sbt-repositories.ts'

export const HOST = '127.0.0.1:7470'
export const NODE = `http://${HOST}`
export const mirror = { name: 'one', protocol: 'any', upstreams: ['https://up.test/'], url: `${NODE}/one/` }
export const machine = { env: {}, home: '/h', folder: '/w', root: '/r', user: 1, has: () => false }

/** What writes into the settings of a client. */
export type Editor = Pick<SetupClient, 'edit'>

/** The text that a client then has in its file, beside a node with one mirror. */
export function edited({ edit }: Editor, text: string): string {
  return edit(text, { machine, mirror, mirrors: [mirror] }, '/f')
}

/** The same with mirrors of images, in a file of this path. */
export function ofImages({ edit }: Editor, path = '/f', url = `${NODE}/v2/`): Editor {
  const all = ['docker.io', 'quay.io'].map((registry) => ({ ...mirror, upstreams: [`https://${registry}/`], url, registry }))
  const [first = mirror] = all
  return { edit: (text) => edit(text, { machine, mirror: first, mirrors: all }, path) }
}

/** The same for a file of this path. */
export const named = ({ edit }: Editor, path: string): Editor => ({ edit: (text, setting) => edit(text, setting, path) })
export const cargo = { edit: (text: string) => cargoConfig(text, mirror.url) }
export const maven = { edit: (text: string) => mavenSettings(text, [{ id: 'warren', of: 'central', url: mirror.url }]) }
export const sbt = { edit: (text: string) => sbtRepositories(text, [{ name: 'warren', url: mirror.url }]) }
