import type { Overrides } from '../../node/components.ts'
import { WarrenError } from '../../node/errors.ts'
import { UndiciUpstream } from '../../node/upstream/undici-upstream.ts'
import type { UpstreamResponse } from '../../node/upstream/upstream.ts'

class NoUpstream extends UndiciUpstream {
  override async fetch(): Promise<UpstreamResponse> {
    throw new WarrenError('UPSTREAM_UNREACHABLE', 'this node has no way to any upstream')
  }
}

/** For a node whose own way to every upstream is cut. */
export function cutOff(): Overrides {
  return { upstream: new NoUpstream({}, { nodeId: 'cut', version: '0', env: {} }) }
}
