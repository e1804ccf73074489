import { describe, expect, test } from 'vitest'
import { readXml, writeXml } from '../../../protocols/maven/xml.ts'

const read = (text: string) => readXml(Buffer.from(text), 'metadata')

describe('a document', () => {
  test.each([
    '<metadata><script></metadata>',
    '<metadata><STYLE></metadata>',
    '<metadata><x:script></metadata>',
    '<metadata><script>',
    '<metadata><!-- ',
    '<metadata><![CDATA[ ',
    '<metadata a="',
    '<metadata',
    '<other/>',
    '',
  ])('that has no end, or another root, is none: %s', (text) => {
    expect(() => read(text)).toThrow(Error)
  })

  test('has elements of any name, those of web pages too', () => {
    const { children } = read('<metadata><groupId>a &amp; b</groupId><style>x</style></metadata>')
    expect(children.map(({ name, text }) => [name, text])).toEqual([
      ['groupId', 'a & b'],
      ['x-style', 'x'],
    ])
  })

  test('comes back as it was written', () => {
    const bytes = writeXml([
      'metadata',
      [
        ['groupId', 'a<b>&"c'],
        ['versioning', [['latest', '1']]],
        ['none', undefined],
      ],
    ])
    const { children } = readXml(bytes, 'metadata')
    expect(children.map(({ name, text, children: inner }) => [name, text, inner.length])).toEqual([
      ['groupId', 'a<b>&"c', 0],
      ['versioning', '', 1],
    ])
  })
})
