import { inHome } from '../../doctor/clients/client.ts'
import { maven as reader } from '../../doctor/clients/maven.ts'
import type { SetupClient } from '../client.ts'
import { mavenSettings } from './maven-settings.ts'

export const maven: SetupClient = {
  name: 'maven',
  programs: ['mvn', 'mvnd'],
  reader,
  files: (machine) => inHome(machine, '.m2/settings.xml'),
  edit: (text, { mirror: { url } }) => mavenSettings(text, [{ id: 'warren', of: 'central', url }]),
  down: 'it stops at whatever is not in ~/.m2/repository; what is there it builds with -o',
}
