import { expect, test } from 'vitest'
import { previewOf, staying } from '../../../../admin/cli/setup/preview.ts'

test.for([
  '"password": "hunter2"',
  'passwd = hunter2',
  "passphrase: 'hunter2'",
  '<password>hunter2</password>',
  'client-secret=hunter2',
  '//a.test/:_authToken=hunter2',
  'npmAuthToken: hunter2',
  'credential = "hunt\\"er2"',
  'https://hunter2@a.test/x',
  'https://ann:hunt@er2@a.test/x',
  'https://a.test/x?key=hunter2',
])('%s is shown without its secret', (line) => {
  for (const shown of [staying(line), ...previewOf({ path: '/f', before: line, after: `${line} ` })])
    expect(shown).not.toMatch(/hunt|er2/)
})
