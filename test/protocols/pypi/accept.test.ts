import { expect, test } from 'vitest'
import { chooseForm } from '../../../protocols/pypi/accept.ts'

const JSON_V1 = 'application/vnd.pypi.simple.v1+json'
const HTML_V1 = 'application/vnd.pypi.simple.v1+html'

test.each<[string | string[] | undefined, string | undefined]>([
  // pip 22.2 and later, uv, Poetry, pip before that, browsers, curl.
  [`${JSON_V1}, ${HTML_V1}; q=0.1, text/html; q=0.01`, 'stored'],
  [`${JSON_V1}, ${HTML_V1};q=0.2, text/html;q=0.01`, 'stored'],
  [JSON_V1, 'json'],
  ['text/html', 'html'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
  ['*/*', 'html'],
  [undefined, 'html'],
  ['', 'html'],
  ['application/vnd.pypi.simple.latest+json', 'json'],
  ['application/vnd.pypi.simple.latest+html', 'versioned-html'],
  [HTML_V1, 'versioned-html'],
  [`${HTML_V1};q=0.5, text/html;q=0.5`, 'html'],
  [`${HTML_V1}, text/html;q=0.5`, 'versioned-html'],
  [`${JSON_V1};q=0.1, text/html`, 'html'],
  [`${JSON_V1};q=0.1, ${HTML_V1};q=0.2`, 'versioned-html'],
  [`${JSON_V1};q=0, text/html;q=0.1`, 'html'],
  ['application/*', 'stored'],
  ['text/*', 'html'],
  [[JSON_V1, 'text/html;q=0.5'], 'stored'],
  [JSON_V1.toUpperCase(), 'json'],
  ['application/json', undefined],
  ['image/png, application/xml', undefined],
  [`${JSON_V1};q=0`, undefined],
  [`${JSON_V1};q=2`, undefined],
  ['application/vnd.pypi.simple.v2+json', undefined],
  [`${'x'.repeat(2000)},${JSON_V1}`, undefined],
])('%s gets %s', (accept, form) => {
  expect(chooseForm(accept)).toBe(form)
})
