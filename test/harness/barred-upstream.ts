import { WarrenError } from '../../node/errors.ts'
import { UndiciUpstream } from '../../node/upstream/undici-upstream.ts'
import type { UpstreamRequest, UpstreamResponse } from '../../node/upstream/upstream.ts'

/** For a node that reaches what lies below the bases of its upstreams, their indexes, and no file host. */
export class BarredUpstream extends UndiciUpstream {
  constructor() {
    super({}, { nodeId: 'test', version: '0', env: process.env })
  }

  override async fetch(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    if (request.url.startsWith(request.base)) return super.fetch(request, signal)
    throw new WarrenError('UPSTREAM_UNREACHABLE', `${new URL(request.url).origin} cannot be reached in this test`)
  }
}
