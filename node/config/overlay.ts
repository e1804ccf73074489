import { join } from 'node:path'
import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { readSecretFile, writeSecretFile } from '../trust/secret-file.ts'

/** Mirrors and settings of the policy as somebody wrote them, by name: what a layer says. */
export interface Layer {
  /** `false` takes a mirror away. */
  readonly mirrors: Readonly<Record<string, unknown>>
  readonly policy: LayerPolicy
}

/** Settings that are not there are left to the layers below. */
export type LayerPolicy = Readonly<
  Partial<Record<'allow' | 'deny' | 'minimumAge' | 'minimumAgeExceptions' | 'blocks', unknown>>
>

export const NO_LAYER: Layer = { mirrors: {}, policy: {} }

/** Bytes of the file: a thousand blocks with their reasons, and all mirrors that a node may have. */
const MAX_BYTES = 1 << 20

const schema = z.object({
  v: z.literal(1),
  mirrors: z.record(z.string(), z.unknown()),
  policy: z.strictObject({
    allow: z.unknown().optional(),
    deny: z.unknown().optional(),
    minimumAge: z.unknown().optional(),
    minimumAgeExceptions: z.unknown().optional(),
    blocks: z.unknown().optional(),
  }),
})

/** What was changed at this node by REST: `<data>/overlay.json`, above the configuration file. */
export class OverlayFile {
  readonly path: string

  constructor(init: { folder: string }) {
    this.path = join(init.folder, 'overlay.json')
  }

  /** Empty where there is none. Throws CONFIG_INVALID for what is none, SECRET_EXPOSED where others may write it. */
  read(): Layer {
    const text = readSecretFile(this.path, MAX_BYTES)
    if (text === undefined) return NO_LAYER
    const { data } = schema.safeParse(parsed(text))
    if (data) return data
    throw new WarrenError(
      'CONFIG_INVALID',
      `${this.path} is no overlay of this version: remove it to go without what was changed at this node by REST`,
    )
  }

  /** Throws BAD_REQUEST for one that is too large, STORE_UNUSABLE where it cannot be written. */
  write({ mirrors, policy }: Layer): void {
    const text = `${JSON.stringify({ v: 1, mirrors, policy }, null, 2)}\n`
    if (Buffer.byteLength(text) > MAX_BYTES)
      throw new WarrenError(
        'BAD_REQUEST',
        `what is changed at this node by REST takes more than ${MAX_BYTES >> 20} MiB; put it into the file`,
      )
    writeSecretFile(this.path, text)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
