import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { filesIn } from '../doctor/clients/client.ts'
import { gradleHomes, homeOption } from '../doctor/clients/gradle.ts'
import { gradleScript } from '../setup/clients/gradle-script.ts'
import type { FileClient } from './file-client.ts'
import { linkHome } from './linked-home.ts'

const SCRIPT = 'warren.gradle'

/** Gradle has no variable for a script that runs before each build, but one for the folder that has such scripts. */
export const gradle: FileClient = {
  name: 'Gradle',
  type: 'maven',
  isHere: (machine) =>
    machine.has('gradle') ||
    existsSync(join(machine.folder, 'gradlew')) ||
    gradleHomes(machine).some((home) => existsSync(home)),
  // Its scripts run beside those that there are, and change what the mirrors stand for.
  told: () => [],
  write: (folder, { url, mirrors }, machine) => {
    const [home] = gradleHomes(machine)
    const scripts = join(folder, 'init.d')
    mkdirSync(scripts)
    if (home !== undefined) {
      // A daemon goes with the home that it was started for.
      linkHome(home, folder, { own: ['init.d', 'daemon'], shared: ['caches', 'wrapper'] })
      for (const script of filesIn(join(home, 'init.d'), /\.gradle(?:\.kts)?$/))
        if (basename(script) !== SCRIPT) symlinkSync(script, join(scripts, basename(script)))
    }
    const all = mirrors.map((mirror) => ({ ...mirror, isCentral: mirror.url === url }))
    writeFileSync(join(scripts, SCRIPT), gradleScript(all), { mode: 0o600 })
    const added = homeOption(machine) === undefined ? {} : { added: { GRADLE_OPTS: `-Dgradle.user.home=${folder}` } }
    return { variables: { GRADLE_USER_HOME: folder }, ...added }
  },
}
