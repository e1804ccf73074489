import { PackageURL, UrlConverter } from '@socketregistry/packageurl-js'

/** The sparse index of the public registry, beside the host that the package-URL data know for its downloads. */
export const defaultUpstreams: readonly string[] = indexes()

function indexes(): string[] {
  const { download } = UrlConverter.getAllUrls(PackageURL.fromString('pkg:cargo/cargo@0.1.0'))
  return download ? [`https://index.${new URL(download.url).host}/`] : []
}
