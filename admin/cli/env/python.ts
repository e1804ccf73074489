import { dirname, join } from 'node:path'
import { isLoopback } from '../../../node/tcp-address.ts'
import { textOf, variables } from '../doctor/clients/client.ts'
import { pip as pipSettings } from '../doctor/clients/pip.ts'
import { uv as uvSettings } from '../doctor/clients/uv.ts'
import { hostOf } from '../same-listener.ts'
import type { EnvClient } from './client.ts'

export const pip: EnvClient = {
  name: 'pip',
  type: 'pypi',
  told: (machine) => pipSettings.read(machine),
  variables: (url) => ({ PIP_INDEX_URL: `${url}simple/`, ...trusted(url) }),
}

export const uv: EnvClient = {
  name: 'uv',
  type: 'pypi',
  told: (machine) => uvSettings.read(machine),
  harm: (url, machine) => {
    // «uv sync --locked» fails then, and without that it writes the node into the lockfile.
    const [other] = lockedAt(machine.folder).filter((registry) => !registry.startsWith(url))
    return other === undefined
      ? undefined
      : `its lockfile names ${new URL(other).host}, and another index counts as a change of it; «uv lock» with UV_DEFAULT_INDEX=${url}simple/ makes one that names the node`
  },
  variables: (url) => ({ UV_DEFAULT_INDEX: `${url}simple/` }),
}

/** PDM goes by pip's settings where it has none of its own, but not by pip's variables. */
export const pdm: EnvClient = {
  name: 'PDM',
  type: 'pypi',
  told: (machine) => [...variables(machine, 'PDM_PYPI_URL'), ...pipSettings.read(machine)],
  variables: (url) => ({ PDM_PYPI_URL: `${url}simple/` }),
}

export const pipenv: EnvClient = {
  name: 'Pipenv',
  type: 'pypi',
  told: (machine) => variables(machine, 'PIPENV_PYPI_MIRROR'),
  variables: (url) => ({ PIPENV_PYPI_MIRROR: `${url}simple/` }),
}

/** Indexes that `uv.lock` names, in the working folder or one above it. */
function lockedAt(folder: string): string[] {
  const text = textOf(join(folder, 'uv.lock'))
  if (text !== undefined)
    return [...text.matchAll(/\{ registry = "(https?:[^"]+)" \}/g)].flatMap(([, url = '']) => (URL.canParse(url) ? [url] : []))
  return dirname(folder) === folder ? [] : lockedAt(dirname(folder))
}

/** pip takes plain HTTP from this machine only, unless it is told. */
function trusted(url: string): Record<string, string> {
  const { hostname, host } = new URL(url)
  return isLoopback({ host: hostOf({ hostname }) }) ? {} : { PIP_TRUSTED_HOST: host }
}
