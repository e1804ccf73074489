import { formatSpan, plural } from './format.ts'

/** A mirror as the configuration and the status of a node have it. */
interface ShownMirror {
  readonly upstreams: readonly string[]
  readonly routes?: readonly { readonly pattern: string; readonly upstream?: string | undefined }[] | undefined
  readonly lifetime?: number | undefined
  readonly tarballUrls?: string | undefined
  readonly fileHosts?: readonly string[] | undefined
  readonly sumdb?: string | undefined
  readonly immutable?: readonly string[] | undefined
  readonly mutable?: readonly string[] | undefined
  readonly pins?: Readonly<Record<string, unknown>> | undefined
  readonly authorities?: readonly { readonly origin: string; readonly file: string }[] | undefined
}

/** Where a mirror asks and what else is set, in a line; and a line for each pattern of names that is bound. */
export function mirrorTexts(mirror: ShownMirror): [string, ...string[]] {
  const { upstreams, routes = [], authorities = [] } = mirror
  const asked = upstreams.length > 0 ? upstreams : ['(nowhere but as below)']
  const ca = authorities.map(({ origin, file }) => `ca of ${origin}: ${file}`)
  const bound = routes.map(
    ({ pattern, upstream }) => `${pattern} ${upstream === undefined ? 'nowhere' : `only at ${upstream}`}`,
  )
  return [[...(routes.length > 0 ? asked : upstreams), ...settingTexts(mirror), ...ca].join(' '), ...bound]
}

function settingTexts({ lifetime, tarballUrls, fileHosts, sumdb, immutable, mutable, pins }: ShownMirror): string[] {
  const texts = [
    ['lifetime', lifetime === undefined ? undefined : lifetime % 1_000 === 0 ? formatSpan(lifetime) : `${lifetime} ms`],
    ['tarballUrls', tarballUrls === 'preserve' ? tarballUrls : undefined],
    ['fileHosts', fileHosts && (fileHosts.join(' ') || 'none')],
    ['sumdb', sumdb],
    ['immutable', immutable?.join(' ')],
    ['mutable', mutable?.join(' ')],
    ['pins', pins && plural(Object.keys(pins).length, 'file')],
  ] as const
  return texts.flatMap(([key, text]) => (text ? [`${key}: ${text}`] : []))
}
