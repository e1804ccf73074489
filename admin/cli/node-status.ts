import { type Counts, countsSchema, type Status, statusSchema } from '../api/status-schema.ts'
import { ApiClient, tokenText } from './api-client.ts'
import type { NodeAddress } from './node-address.ts'

/** What a node tells of itself, as it sent it, and read: only counts where it was not shown its token. */
export interface Told {
  readonly answer: unknown
  readonly status: Status | Counts
}

/** Throws UnreachableError, and Error for what is no node. */
export async function toldBy({ base, token }: NodeAddress): Promise<Told> {
  const answer = await new ApiClient(base, token()).get('/admin/v1/status')
  const status = statusSchema.safeParse(answer).data ?? countsSchema.safeParse(answer).data
  if (status) return { answer, status }
  throw new Error(`${base} answers with something that is no status of a Warren node; is it one of another version?`)
}

/** All that a node tells to whoever has its token. Throws UnreachableError, and Error for what is no node, or wants its token. */
export async function statusOf(address: NodeAddress): Promise<Status> {
  const { status } = await toldBy(address)
  if ('mirrors' in status) return status
  throw new Error(tokenText(address.base))
}
