import { join } from 'node:path'
import type { Client } from '../../doctor/clients/client.ts'
import { GRADLE_OPTIONS, gradleHomes, gradle as scripts } from '../../doctor/clients/gradle.ts'
import { centralUrls } from '../central-urls.ts'
import type { SetupClient } from '../client.ts'
import { gradleScript } from './gradle-script.ts'

const FILE = 'init.d/warren.gradle'

/** What this writes itself leads nowhere but to the node. */
const reader: Client = { ...scripts, read: (machine) => scripts.read(machine).filter(({ where }) => !where.endsWith(FILE)) }

export const gradle: SetupClient = {
  name: 'gradle',
  programs: ['gradle'],
  reader,
  // A script of its own: what others do with repositories stays.
  keepsFormer: true,
  javaOptions: GRADLE_OPTIONS,
  files: (machine) => gradleHomes(machine).map((home) => join(home, FILE)),
  edit: (_text, { mirror, mirrors }) =>
    gradleScript(
      mirrors.map(({ url, upstreams }) => {
        const isCentral = url === mirror.url
        return { url, isCentral, upstreams: isCentral ? [...new Set([...centralUrls(), ...upstreams])] : upstreams }
      }),
    ),
  down: 'it stops at whatever is not in its own cache; what is there it builds with --offline',
}
