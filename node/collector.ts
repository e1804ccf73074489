import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Received bytes after which the young generation is collected. */
const EACH_BYTES = 4 << 20

type Collect = (options: { readonly type: 'minor' }) => void

let collect: Collect | undefined
let passed = 0

/**
 * Tells how many bytes of a body were received. Node reads each socket into buffers of 64 KiB, which V8 keeps outside of its heap
 * and hardly counts: without a collection now and then what passes through fills fresh memory in place of the same few pages again.
 */
export function passedThrough(bytes: number): void {
  passed += bytes
  if (passed < EACH_BYTES) return
  passed = 0
  collect ??= collector()
  collect({ type: 'minor' })
}

/** V8's collector, which only a context that is made while the flag is set has by name. Where V8 does not give it, it does nothing. */
function collector(): Collect {
  setFlagsFromString('--expose-gc')
  try {
    return runInNewContext('globalThis.gc ?? (() => {})') as Collect
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}
