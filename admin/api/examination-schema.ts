import { z } from 'zod'

const count = z.number().int().nonnegative()

/** What `GET /admin/v1/examination` answers: how a node stands in its surroundings, which it has to try. Times in ms. */
export const examinationSchema = z.object({
  process: z.object({
    /** Who owns the process owns the node; null where the system has no users. */
    user: z.object({ id: count, name: z.string().nullable() }).nullable(),
    descriptors: count.nullable(),
    maxDescriptors: count.nullable(),
  }),
  /** By how much the clock of this node is ahead of others, of which the median counts; null where nobody told. */
  clock: z.object({ aheadOfPeers: z.number().nullable(), aheadOfUpstreams: z.number().nullable() }),
  /** Each upstream that the settings name, asked once just now, as the node asks it: with its proxy, its authorities, its login. */
  upstreams: z.array(
    z.object({
      url: z.string(),
      mirrors: z.array(z.string()),
      reachable: z.boolean(),
      /** Null where there was no answer, or trouble. */
      status: count.nullable(),
      ms: z.number(),
      problem: z.string().nullable(),
    }),
  ),
  /** Of the mesh that it is in: the ops that it knows, and whether these are all, by the word of a seed; null in none. */
  ledger: z.object({ ops: count, confirmed: z.boolean() }).nullable(),
  /** Whose word about names it takes (`mesh.names`): where it is that of members a mesh is meant to have no seeds. */
  names: z.enum(['seeds', 'members']),
})

export type Examination = z.output<typeof examinationSchema>
