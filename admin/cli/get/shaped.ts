import type { z } from 'zod'

/** What a document has of a shape. Throws Error that names the first place where it has another, in one line. */
export function shaped<T>(schema: z.ZodType<T>, document: unknown): T {
  const result = schema.safeParse(document)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new Error(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is wrong'}`)
}
