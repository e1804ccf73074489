import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { filesIn, inHome } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import { gradleScript } from '../setup/clients/gradle-script.ts'
import type { FileClient } from './file-client.ts'
import { linkHome } from './linked-home.ts'

const SCRIPT = 'warren.gradle'

/** Gradle has no variable for a script that runs before each build, but one for the folder that has such scripts. */
export const gradle: FileClient = {
  name: 'Gradle',
  type: 'maven',
  isHere: (machine) =>
    machine.has('gradle') || existsSync(join(machine.folder, 'gradlew')) || homesOf(machine).some((home) => existsSync(home)),
  // Its scripts run beside those that there are, and change what the mirrors stand for.
  told: () => [],
  write: (folder, { url, mirrors }, machine) => {
    const [home] = homesOf(machine)
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
    return { variables: { GRADLE_USER_HOME: folder } }
  },
}

function homesOf(machine: Machine): string[] {
  const { GRADLE_USER_HOME } = machine.env
  return GRADLE_USER_HOME ? [resolve(machine.folder, GRADLE_USER_HOME)] : inHome(machine, '.gradle')
}
