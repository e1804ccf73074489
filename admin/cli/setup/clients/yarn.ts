import { inHome } from '../../doctor/clients/client.ts'
import { yarn as reader } from '../../doctor/clients/yarn.ts'
import type { SetupClient } from '../client.ts'
import { yarnScopes } from '../scopes.ts'
import { bare, linesOf, spliced } from '../text/lines.ts'
import { withYamlEntry, withYamlKey } from '../text/yaml.ts'

/** Both files: yarn 1 reads the one, yarn from 2 on the other, and neither that of the other. */
export const yarn: SetupClient = {
  name: 'yarn',
  programs: ['yarn'],
  reader,
  scopes: yarnScopes,
  files: (machine) => inHome(machine, '.yarnrc', '.yarnrc.yml'),
  edit: (text, { mirror }, path) => (path.endsWith('.yml') ? berry(text, mirror.url) : classic(text, mirror.url)),
  down: 'it stops at whatever is not in its own cache; yarn 1 installs from that with --offline',
}

function berry(text: string, url: string): string {
  const { protocol, hostname } = new URL(url)
  const led = withYamlKey(text, 'npmRegistryServer', url)
  // It takes plain HTTP from hosts in this list only.
  return protocol === 'http:' ? withYamlEntry(led, 'unsafeHttpWhitelist', hostname) : led
}

function classic(text: string, url: string): string {
  const lines = linesOf(text).map(bare)
  const found = lines.findLastIndex((line) => /^"?registry"?(?::|\s)/.test(line))
  return spliced(text, found < 0 ? lines.length : found, found < 0 ? 0 : 1, [`registry "${url}"`])
}
