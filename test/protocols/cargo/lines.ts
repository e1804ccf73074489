/** A line of an index file, as registries write it. */
export function line(name: string, vers: string, more: object = {}): string {
  return JSON.stringify({ name, vers, deps: [], cksum: sumOf(vers), features: {}, yanked: false, ...more })
}

/** Some checksum, another one for each version. */
export function sumOf(vers: string): string {
  return Buffer.from(vers).toString('hex').padEnd(64, '0').slice(0, 64)
}

export function fileOf(...lines: string[]): Buffer {
  return Buffer.from(lines.map((one) => `${one}\n`).join(''))
}
