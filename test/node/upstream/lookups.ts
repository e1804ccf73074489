import type { LookupFunction } from 'node:net'

/** A resolver that knows these names only, and counts what it is asked. */
export function fakeLookup(names: Readonly<Record<string, string | readonly string[]>>): LookupFunction & { asked: string[] } {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push(hostname)
    const found = [names[hostname] ?? []].flat().map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    const [first] = found
    setImmediate(() => {
      if (!first) callback(Object.assign(new Error(`no such host: ${hostname}`), { code: 'ENOTFOUND' }), [])
      else if (options.all) callback(null, found)
      else callback(null, first.address, first.family)
    })
  }
  return Object.assign(lookup, { asked })
}
