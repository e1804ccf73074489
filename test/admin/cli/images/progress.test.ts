import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Progress } from '../../../../admin/cli/images/progress.ts'

const ONE = `sha256:${'1a'.repeat(32)}`
const TWO = `sha512:${'2b'.repeat(64)}`

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  vi.stubEnv('FORCE_COLOR', undefined)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

/** A terminal that knows as much as is used of it: lines, going up, and wiping what is below. */
class Screen extends PassThrough {
  readonly isTTY = true
  readonly columns: number
  readonly lines: string[] = []

  constructor(columns = 80) {
    super()
    this.columns = columns
    this.setEncoding('utf8').on('data', (text: string) => {
      for (const [at, piece] of text.split('\u001b').entries()) {
        const [, up, rest = ''] = (at === 0 ? [] : /^\[(?:(\d+)A|J)(.*)$/s.exec(piece)) ?? []
        this.lines.length -= Number(up ?? 0)
        this.lines.push(...(at === 0 ? piece : rest).split('\n').slice(0, -1))
      }
    })
  }

  getColorDepth(): number {
    return 1
  }
}

test('on a terminal each fetch has a line that is drawn anew, and that stays above the others when it is done', () => {
  const screen = new Screen()
  const progress = new Progress(screen)
  progress.say('an image')
  const one = progress.begin({ name: ONE, kind: 'layer', size: 4096 })
  const two = progress.begin({ name: TWO, kind: 'config', size: 100 })
  one.from('peer')
  one.moved(1024)
  vi.advanceTimersByTime(500)
  expect(screen.lines).toEqual([
    'an image',
    '  1a1a1a1a1a1a  layer     [##........]  1.0 KiB/4.0 KiB  2.0 KiB/s  peer',
    '  2b2b2b2b2b2b  config    [..........]  0 B/100 B  0 B/s',
  ])
  two.done({ digest: TWO, size: 100, source: 'peer' })
  one.moved(4096)
  vi.advanceTimersByTime(500)
  expect(screen.lines).toEqual([
    'an image',
    '  2b2b2b2b2b2b  config         100 B       200 B/s  peer',
    '  1a1a1a1a1a1a  layer     [##########]  4.0 KiB/4.0 KiB  4.0 KiB/s  peer',
  ])
  one.done({ digest: ONE, size: 4096, source: 'upstream' })
  progress.say('the end')
  expect(screen.lines).toEqual([
    'an image',
    '  2b2b2b2b2b2b  config         100 B       200 B/s  peer',
    '  1a1a1a1a1a1a  layer        4.0 KiB     4.0 KiB/s  upstream',
    'the end',
  ])
  expect(vi.getTimerCount()).toBe(0)
})

test('what failed leaves no line and no timer', () => {
  const screen = new Screen()
  const progress = new Progress(screen)
  progress.begin({ name: ONE, kind: 'layer', size: 5 }).failed()
  expect(screen.lines).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('a tag is shown until its digest is known', () => {
  const screen = new Screen()
  const transfer = new Progress(screen).begin({ name: 'a-tag-that-is-long', kind: 'manifest', size: undefined })
  transfer.moved(10)
  vi.advanceTimersByTime(1_000)
  expect(screen.lines).toEqual(['  a-tag-that-i  manifest  [..........]  10 B  10 B/s'])
  transfer.done({ digest: ONE, size: 10, source: 'local' })
  expect(screen.lines).toEqual(['  1a1a1a1a1a1a  manifest        10 B        10 B/s  local'])
})

test('a line that moves never wraps', () => {
  const screen = new Screen(30)
  new Progress(screen).begin({ name: ONE, kind: 'layer', size: 5_000 })
  expect(screen.lines).toEqual(['  1a1a1a1a1a1a  layer     [..'])
})

test('in a pipe there is a line for each fetch that is done, and nothing is drawn', () => {
  const pipe = new PassThrough()
  const progress = new Progress(pipe)
  const transfer = progress.begin({ name: ONE, kind: 'layer', size: 4096 })
  const other = progress.begin({ name: TWO, kind: 'layer', size: 1 })
  transfer.moved(10)
  vi.advanceTimersByTime(2_000)
  expect(pipe.read()).toBeNull()
  transfer.done({ digest: ONE, size: 4096, source: 'seed' })
  other.failed()
  expect(String(pipe.read())).toBe('  1a1a1a1a1a1a  layer        4.0 KiB     2.0 KiB/s  seed\n')
})

test('files of packages stay with their names at the end, documents do not stay', () => {
  const screen = new Screen()
  const progress = new Progress(screen)
  const document = progress.begin({ name: 'a (document)', kind: 'document', size: undefined })
  const file = progress.begin({ name: 'a-1.0.0.tgz', kind: 'file', size: 2048 })
  document.moved(10)
  file.moved(1024)
  vi.advanceTimersByTime(1_000)
  expect(screen.lines).toEqual([
    '  a (document)                  [..........]  10 B  10 B/s',
    '  a-1.0.0.tgz                   [#####.....]  1.0 KiB/2.0 KiB  1.0 KiB/s',
  ])
  document.done({ size: 10, source: 'stale' })
  file.done({ size: 2048, source: 'peer' })
  expect(screen.lines).toEqual(['     2.0 KiB     2.0 KiB/s  peer      a-1.0.0.tgz'])
})
