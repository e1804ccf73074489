/** What a member may be trusted with. Bytes from either are verified; names only ever come from a seed. */
export type Role = 'member' | 'seed'
