import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ecosystem } from '../../../node/config/ecosystems.ts'
import { type LoadedConfig, type LoadInit, loadConfig } from '../../../node/config/load.ts'
import { WarrenError } from '../../../node/errors.ts'

/** Two protocols, so that mirrors of one can get into the other's way. */
export const ecosystems: readonly Ecosystem[] = [
  {
    name: 'npm',
    defaultUpstreams: ['https://npm.example.test/'],
    settings: ['tarballUrls'],
    names: { example: '@corp/*', levels: '/' },
    rootAliases: ['/-/npm/v1/attestations/'],
  },
  {
    name: 'oci',
    builtIn: { name: 'oci', path: '/v2/' },
    defaultUpstreams: ['https://images.example.test/'],
    settings: [],
    rootAliases: [],
  },
]

/** Loads with nothing set but what is given. */
export function load(init: Partial<LoadInit> = {}): LoadedConfig {
  return loadConfig({ env: {}, home: '/home/ann', flags: new Map(), ecosystems, ...init })
}

/** Loads a file with this text, which stands as `config.yaml` in `folder`. */
export function loadText(folder: string, text: string | Buffer, init: Partial<LoadInit> = {}): LoadedConfig {
  const configFile = join(folder, 'config.yaml')
  writeFileSync(configFile, text)
  return load({ configFile, ...init })
}

/** The lines of the CONFIG_INVALID that loading throws, without the folder in them. */
export function problemsOf(act: () => unknown, folder = ''): string[] {
  try {
    act()
  } catch (error) {
    if (!(error instanceof WarrenError) || error.code !== 'CONFIG_INVALID') throw error
    return error.message.split('\n').map((line) => (folder ? line.replaceAll(`${folder}/`, '') : line))
  }
  throw new Error('the settings were taken')
}
