import type { Offers } from '../protocol.ts'
import { parse } from './info.ts'
import { fieldsOf } from './list.ts'

/** Takes versions out of a list. Few proxies say beside a version when it was made. */
export const listOffers: Offers = {
  id: 'go-list-1',
  from: { module: import.meta.url, exportName: 'listOffers' },
  withhold(bytes, allows) {
    const lines = bytes.toString('latin1').split('\n')
    const kept = lines.filter((line) => {
      const { version, time } = fieldsOf(line)
      return version === '' || allows(version, time)
    })
    return kept.length === lines.length ? bytes : Buffer.from(kept.join('\n'), 'latin1')
  },
}

/** Withholds the one version that `@latest`, or a branch, stands for. */
export const infoOffers: Offers = {
  id: 'go-info-1',
  withhold(bytes, allows) {
    const { version, time } = parse(bytes).facts
    return allows(version, time ?? undefined) ? bytes : Buffer.alloc(0)
  },
}
