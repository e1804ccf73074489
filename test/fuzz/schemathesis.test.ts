import { expect, test } from 'vitest'
import { startAdminNode } from '../admin/api/admin-node.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { requireSchemathesis } from '../harness/schemathesis.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const folders = useTempFolders('file')

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]
/** A stream of events has no end. */
const ENDLESS = '/events$'
const EXAMPLES = 20

test('the admin API is what its description says, whatever a fuzzer thinks of that goes by it', {
  timeout: 300_000,
}, async (context) => {
  const schemathesis = await requireSchemathesis(context)
  const node = await startAdminNode(folders.create('data'))
  const { code, stdout, stderr } = await schemathesis(folders.create('work'), [
    `${node.admin}/admin/v1/openapi.json`,
    ...['--header', `Authorization: Bearer ${node.token}`, '--checks', CHECKS.join(',')],
    ...['--exclude-path-regex', ENDLESS, '--max-examples', String(EXAMPLES), '--generation-deterministic'],
  ])
  const said = `${stdout}\n${stderr}`
  expect(code, said).toBe(0)
  // Nothing was left out.
  const [, selected, all] = /Operations: +(\d+) selected \/ (\d+) total/.exec(said) ?? []
  expect([Number(selected), / (\d+) generated, \1 passed/.test(said)], said).toEqual([Number(all) - 1, true])
  expect(node.lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
})
