/** Upstream says that what we hold is still right (304). No error of anybody's: it ends a flight that has nothing to bring. */
export class NotModified extends Error {
  readonly headers: Readonly<Record<string, string>>

  constructor(headers: Readonly<Record<string, string>>) {
    super('not modified')
    this.headers = headers
  }
}
