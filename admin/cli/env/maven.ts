import { readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { textOf } from '../doctor/clients/client.ts'
import { maven as settings } from '../doctor/clients/maven.ts'
import type { Machine } from '../doctor/scene.ts'
import { findProgram } from '../programs.ts'
import { mavenSettings } from '../setup/clients/maven-settings.ts'
import type { FileClient } from './file-client.ts'

const FILE = 'settings.xml'

/**
 * Maven's global settings, which the user's stand above and complete: repositories on the disk and logins stay. Maven from 3.9 on takes
 * the file from MAVEN_ARGS; before, the folder that has it is a property, which is set for an installed one, whose other files are linked.
 */
export const maven: FileClient = {
  name: 'Maven',
  type: 'maven',
  isHere: () => true,
  told: (machine) => settings.read(machine),
  write: (folder, { url }, machine) => {
    const installed = installedSettings(machine)
    const text = installed === undefined ? '' : (textOf(join(installed, FILE)) ?? '')
    const file = join(folder, FILE)
    writeFileSync(file, mavenSettings(text, [{ id: 'warren', of: 'central', url }]), { mode: 0o600 })
    if (installed === undefined) return { added: { MAVEN_ARGS: `-gs ${file}` } }
    for (const name of readdirSync(installed)) if (name !== FILE) symlinkSync(join(installed, name), join(folder, name))
    return { added: { MAVEN_ARGS: `-gs ${file}`, MAVEN_OPTS: `-Dmaven.conf=${folder}` } }
  },
}

/** The folder with the global settings of the Maven that is installed. */
function installedSettings({ env, folder }: Machine): string | undefined {
  const program = findProgram('mvn')
  const homes = [env.MAVEN_HOME, env.M2_HOME, program && join(dirname(realpathSync(program)), '..')]
  return homes
    .flatMap((home) => (home ? [resolve(folder, home, 'conf')] : []))
    .find((conf) => textOf(join(conf, FILE)) !== undefined)
}
