import { z } from 'zod'
import { OPERATOR_SCOPES, publicKey, time } from './certificates.ts'
import { IssuedList } from './issued-list.ts'

const MAX_OPERATORS = 200

const operatorSchema = z.strictObject({
  name: z.string().max(64),
  key: publicKey,
  scope: z.array(z.enum(OPERATOR_SCOPES)),
  issuedAt: time,
  notAfter: time,
})

/** An operator key without what is secret of it: times in ms since the epoch. */
export type IssuedOperator = z.infer<typeof operatorSchema>

/** The operator keys that were made on a machine: `<data>/mesh/operators.json`. */
export class IssuedOperators extends IssuedList<IssuedOperator> {
  /** @param folder the folder of the mesh */
  constructor(folder: string) {
    super(folder, { name: 'operators', schema: operatorSchema, most: MAX_OPERATORS })
  }
}
