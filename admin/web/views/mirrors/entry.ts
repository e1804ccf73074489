/** A mirror as a form has it: what most mirrors need by name, all else as JSON. */
export interface MirrorFields {
  readonly name: string
  readonly protocol: string
  readonly path: string
  /** One on each line: a URL, or a group as JSON. */
  readonly upstreams: string
  /** The other settings, as JSON; empty for none. */
  readonly rest: string
}

type Entry = Readonly<Record<string, unknown>>

export function fieldsOf(name: string, entry: Entry | false): MirrorFields {
  const { protocol = '', path = '', upstreams = [], ...rest } = entry === false ? {} : entry
  const lines = Array.isArray(upstreams) ? upstreams : [upstreams]
  return {
    name,
    protocol: String(protocol),
    path: String(path),
    upstreams: lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'),
    rest: Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, null, 2),
  }
}

/** What is sent. Throws where the JSON is none. */
export function entryOf({ protocol, path, upstreams, rest }: MirrorFields): Entry {
  const lines = upstreams
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return {
    ...(rest.trim() === '' ? {} : (parsed(rest, 'the further settings are no JSON') as Entry)),
    ...(protocol !== '' && { protocol }),
    ...(path !== '' && { path }),
    ...(lines.length > 0 && {
      upstreams: lines.map((line) => (line.startsWith('{') ? parsed(line, `«${line}» is no JSON`) : line)),
    }),
  }
}

function parsed(text: string, problem: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(problem)
  }
}
