import type { UpstreamResponse } from '../upstream/upstream.ts'

/** Upstream says that what we hold is still right (304). No error of anybody's: it ends a flight that has nothing to bring. */
export class NotModified extends Error {
  readonly answer: Pick<UpstreamResponse, 'headers' | 'through'>

  constructor(answer: Pick<UpstreamResponse, 'headers' | 'through'>) {
    super('not modified')
    this.answer = answer
  }
}
