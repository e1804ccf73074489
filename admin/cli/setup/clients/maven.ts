import { MAVEN_OPTIONS, maven as reader, userSettings } from '../../doctor/clients/maven.ts'
import type { SetupClient } from '../client.ts'
import { mavenSettings } from './maven-settings.ts'

export const maven: SetupClient = {
  name: 'maven',
  programs: ['mvn', 'mvnd'],
  reader,
  javaOptions: MAVEN_OPTIONS,
  files: userSettings,
  edit: (text, { mirror: { url } }) => mavenSettings(text, [{ id: 'warren', of: 'central', url }]),
  down: 'it stops at whatever is not in ~/.m2/repository; what is there it builds with -o',
}
