import { describe, expect, test } from 'vitest'
import { configFacts, configParser, openConfig, parse } from '../../../protocols/cargo/config.ts'

const DL = 'https://files.example.test/crates'
const OURS = 'http://localhost:7470/cargo/'
const DOWNLOADS = `${OURS}crates/{crate}/{version}/{sha256-checksum}.crate`

/** The document as a client of a mirror gets it. */
function served(text: string): string {
  let bytes = Buffer.from(text)
  for (const [start, end, suffix] of parse(bytes).spans.toReversed()) {
    bytes = Buffer.concat([bytes.subarray(0, start), Buffer.from(OURS + suffix), bytes.subarray(end)])
  }
  return openConfig.render([bytes]).toString()
}

describe('config.json', () => {
  test.each([
    `{"dl":"${DL}","api":"https://example.test"}`,
    `{"dl":"${DL}"}`,
    `{\n  "api": null,\n  "dl" : "${DL}"\n}\n`,
    `{"é":"dl","a":{"dl":"x"},"b":["dl",{"dl":"y"}],"dl":"${DL}"}`,
    `{"s":"\\"dl\\":\\"z\\"","d\\u006c":"${DL}"}`,
    `{"x":[[],{},"{",1.5e3,true],"dl":"${DL.replaceAll('/', '\\/')}"}`,
  ])('leads downloads here and stays as it is otherwise: %s', (text) => {
    expect(parse(Buffer.from(text)).facts).toEqual({ dl: DL })
    expect(JSON.parse(served(text))).toEqual({ ...JSON.parse(text), dl: DOWNLOADS })
    expect(served(text)).toBe(text.replace(/"https:[^"]*files[^"]*"/, `"${DOWNLOADS}"`))
  })

  test.each([true, false])('does not pass auth-required: %s on, and all else', (required) => {
    const text = `{"dl":"${DL}","api":"https://example.test","auth-required":${required},"more":{"a":1}}`
    expect(JSON.parse(served(text))).toEqual({ dl: DOWNLOADS, api: 'https://example.test', more: { a: 1 } })
  })

  test.each([
    ['<!doctype html><title>Sign in</title>', /JSON/],
    ['', /JSON/],
    ['{}', /«dl» has to be a URL/],
    ['[]', /JSON object/],
    ['null', /JSON object/],
    ['"dl"', /JSON object/],
    ['{"dl":1}', /«dl» has to be a URL/],
    ['{"dl":"crates"}', /http or https/],
    ['{"dl":"file:///etc/{crate}"}', /http or https/],
    [`{"dl":"${DL}"`, /JSON/],
    [`{"dl":"https://evil.example.test","dl":"${DL}"}`, /more than once/],
    [`{"dl":"https://evil.example.test","d\\u006c":"${DL}"}`, /more than once/],
    ['{"__proto__":{"dl":"https://files.example.test"}}', /«dl» has to be a URL/],
  ])('is none: %s', (text, why) => {
    expect(() => parse(Buffer.from(text))).toThrow(why)
  })

  test('is told from other facts', () => {
    expect([{ dl: DL }, { dl: 1 }, {}, null, undefined, 'x'].map(configFacts)).toEqual([
      { dl: DL },
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(configParser.parse).toBe(parse)
  })
})
