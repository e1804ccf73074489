import { protocols } from '../protocols/index.ts'
import { type BuiltInMirror, builtInMirrors, type Ecosystem } from './config/ecosystems.ts'

/** The protocols that this node speaks, as far as the configuration has to know them. */
export const ecosystems: readonly Ecosystem[] = protocols

/** The mirrors that there are before anybody configures any. */
export const builtIns: readonly BuiltInMirror[] = builtInMirrors(ecosystems)
