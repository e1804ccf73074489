import { describe, expect, it } from 'vitest'
import { bytesOf, useCacheTests } from '../cache/fixture.ts'
import { artifact, document, indexBytes } from '../cache/plans.ts'
import { fetchingSeed } from './fetching-seed.ts'

useCacheTests()

const INDEX = document('index')
const FILE = artifact('file')
const ANOTHER = `warren-12D3Koo${'W'.repeat(45)}`

/** An upstream behind a firewall, which takes some headers for an attack, or for a loop of its own. */
function guarded() {
  const seen: (string | undefined)[] = []
  const script = ({ url, headers = {} }: { url: string; headers?: Readonly<Record<string, string>> }) => {
    seen.push(headers.via)
    if (/[<('/]|cdn/.test(headers.via ?? '') || (headers.via?.length ?? 0) > 2_000) return { status: 403 }
    return { body: url.endsWith('index') ? indexBytes({}) : bytesOf(1_000) }
  }
  return { seen, script }
}

describe('what a member says that a request came through', () => {
  it.each([
    ["1.1 x' OR 1=1 --", undefined],
    ['1.1 <script>alert(1)</script>', undefined],
    ['1.1 other (a/b)', undefined],
    // A hop that is none of ours may be upstream's own, which then takes it for a loop.
    ['1.1 cdn', undefined],
    [`1.1 cdn, 1.1 ${ANOTHER}`, `1.1 ${ANOTHER}`],
    [`1.1 ${ANOTHER} (x), 1.1  ${ANOTHER}`, undefined],
    [Array(40).fill(`1.1 ${ANOTHER}`).join(), undefined],
  ])('keeps nothing from others: «%s»', async (via, passed) => {
    const { seen, script } = guarded()
    const { ask } = await fetchingSeed({ script }, [INDEX, FILE], 1 << 20)
    for (const plan of [INDEX, FILE]) {
      await ask(plan, 'GET', `via: ${via}\r\n`)
      expect((await ask(plan)).status).toBe(200)
    }
    expect(new Set(seen)).toEqual(new Set([passed]))
  })
})
