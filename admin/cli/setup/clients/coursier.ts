import { join } from 'node:path'
import { type Client, configFolder, textOf } from '../../doctor/clients/client.ts'
import { inJavaHome, javaHome, javaProperty } from '../../doctor/clients/java-home.ts'
import type { Machine } from '../../doctor/scene.ts'
import { centralUrls } from '../central-urls.ts'
import type { SetupClient } from '../client.ts'
import { DIALECTS, withIniKey } from '../text/ini.ts'

/** Variables with options for the Java that its launcher runs in. */
const OPTIONS = ['JAVA_OPTS']

const reader: Client = {
  name: 'coursier',
  programs: ['cs', 'coursier', 'scala-cli'],
  protocol: 'maven',
  read: (machine) =>
    files(machine).flatMap((where) => {
      const mirrors = centralMirrors(textOf(where) ?? '')
      return mirrors.flatMap(({ to }) => (to === undefined ? [] : [{ where, url: to }]))
    }),
}

/** What resolves with coursier, sbt and Mill included, reads this file of mirrors. */
export const coursier: SetupClient = {
  name: 'coursier',
  programs: reader.programs,
  reader,
  javaOptions: OPTIONS,
  files,
  edit: (text, { mirror }) => {
    const [own] = centralMirrors(text)
    const name = own?.name ?? 'warren'
    const from = own
      ? text
      : withIniKey(text, { key: `${name}.from`, dialect: DIALECTS.properties }, centralUrls().map(withoutSlash).join(';'))
    return withIniKey(from, { key: `${name}.to`, dialect: DIALECTS.properties }, withoutSlash(mirror.url))
  },
  down: 'it stops at whatever is not in its own cache; what is there it takes with --mode offline',
}

/** Mirrors of the central repository in a text of properties, with where they are. */
function centralMirrors(text: string): { readonly name: string; readonly to: string | undefined }[] {
  const values = new Map(
    [...text.matchAll(/^[ \t]*([\w.-]+)[ \t]*[=:][ \t]*(.*?)[ \t]*\r?$/gm)].map(([, key = '', value = '']) => [key, value]),
  )
  const central = centralUrls().map(withoutSlash)
  return [...values].flatMap(([key, value]) => {
    const [, name] = /^(.+)\.from$/.exec(key) ?? []
    const isCentral = value.split(';').some((url) => central.includes(withoutSlash(url.trim())) || url.trim() === '*')
    return name !== undefined && isCentral ? [{ name, to: values.get(`${name}.to`) }] : []
  })
}

function files(machine: Machine): string[] {
  const { COURSIER_MIRRORS, COURSIER_CONFIG_DIR } = machine.env
  const file = COURSIER_MIRRORS || javaProperty(machine, OPTIONS, 'coursier.mirrors')
  if (file) return [file]
  const folder = COURSIER_CONFIG_DIR || javaProperty(machine, OPTIONS, 'coursier.config-dir')
  if (folder) return [join(folder, 'mirror.properties')]
  if (process.platform === 'darwin') return inJavaHome(machine, OPTIONS, 'Library/Preferences/Coursier/mirror.properties')
  return configFolder({ ...machine, home: javaHome(machine, OPTIONS) }).map((folder) =>
    join(folder, 'coursier/mirror.properties'),
  )
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '')
}
