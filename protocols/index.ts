import { cargo } from './cargo/index.ts'
import { go } from './go/index.ts'
import { maven } from './maven/index.ts'
import { npm } from './npm/index.ts'
import { oci } from './oci/index.ts'
import type { Protocol } from './protocol.ts'
import { pypi } from './pypi/index.ts'
import { raw } from './raw/index.ts'

/** The built-in protocols. Adding an ecosystem is one folder beside this file and one entry here. */
export const protocols: readonly Protocol[] = [npm, oci, cargo, go, maven, pypi, raw]
