import { withTomlKey } from '../text/toml.ts'

/** Name of the source that stands in for the registry that cargo asks by default. */
const SOURCE = 'warren'

/**
 * The text of cargo's `config.toml`, which may be empty, with this index in the place of the one that it asks by default. What stood
 * in for that one before stays under its name, unused.
 * @param url of the mirror, with a slash at its end, which cargo wants
 */
export function cargoConfig(text: string, url: string): string {
  const led = withTomlKey(text, ['source', 'crates-io'], 'replace-with', SOURCE)
  return withTomlKey(led, ['source', SOURCE], 'registry', `sparse+${url}`)
}
