import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UsageError } from '../../../../admin/cli/exit-codes.ts'
import { parseReference } from '../../../../admin/cli/images/reference.ts'

const SHA256 = `sha256:${'0a'.repeat(32)}`
const SHA512 = `sha512:${'0b'.repeat(64)}`

test.for([
  ['alpine', 'docker.io', 'library/alpine', 'latest', 'docker.io/library/alpine:latest'],
  ['alpine:3.20', 'docker.io', 'library/alpine', '3.20', 'docker.io/library/alpine:3.20'],
  ['grafana/grafana', 'docker.io', 'grafana/grafana', 'latest', 'docker.io/grafana/grafana:latest'],
  ['docker.io/alpine', 'docker.io', 'library/alpine', 'latest', 'docker.io/library/alpine:latest'],
  ['index.docker.io/a/b', 'docker.io', 'a/b', 'latest', 'docker.io/a/b:latest'],
  ['registry-1.docker.io/a', 'docker.io', 'library/a', 'latest', 'docker.io/library/a:latest'],
  ['quay.io/a', 'quay.io', 'a', 'latest', 'quay.io/a:latest'],
  ['Quay.IO/a/b-c__d/e:V1', 'quay.io', 'a/b-c__d/e', 'V1', 'quay.io/a/b-c__d/e:V1'],
  ['localhost/a', 'localhost', 'a', 'latest', 'localhost/a:latest'],
  ['localhost:5000/a:b', 'localhost:5000', 'a', 'b', 'localhost:5000/a:b'],
  ['build2:5000/a', 'build2:5000', 'a', 'latest', 'build2:5000/a:latest'],
  ['[::1]:5000/a', '[::1]:5000', 'a', 'latest', '[::1]:5000/a:latest'],
  [`a@${SHA256}`, 'docker.io', 'library/a', SHA256, `docker.io/library/a@${SHA256}`],
  [`ghcr.io/a:1@${SHA512}`, 'ghcr.io', 'a', SHA512, `ghcr.io/a:1@${SHA512}`],
] as const)('%s is read as Docker reads it', ([text, registry, name, target, full]) => {
  expect(parseReference(text)).toEqual({ text: full, registry, name, target })
})

test.for([
  ['', 'a part of its name is empty'],
  ['/a', 'a part of its name is empty'],
  ['a/', 'a part of its name is empty'],
  ['a//b', 'a part of its name is empty'],
  ['quay.io/', 'a part of its name is empty'],
  ['a:', '"" is no tag'],
  ['a:-x', '"-x" is no tag'],
  [`a:${'x'.repeat(129)}`, 'is no tag'],
  ['Alpine', '"Alpine" has upper-case letters, which names do not have'],
  ['Grafana/grafana', '"Grafana" has upper-case letters, which names do not have'],
  ['a..b/c/d', '"a..b" is no registry'],
  ['quay.io/-a', '"-a" is no part of a name'],
  ['quay.io/a___b', '"a___b" is no part of a name'],
  ['a b', '"a b" is no part of a name'],
  ['a%2fb', '"a%2fb" is no part of a name'],
  ['../../admin', 'is no registry'],
  ['a/../b', '".." is no part of a name'],
  ['a?ns=x', 'is no part of a name'],
  ['-x.io/a', '"-x.io" is no registry'],
  ['quay.io:port/a', '"quay.io:port" is no registry'],
  ['a@', '"" is no digest'],
  ['a@sha256:12', '"sha256:12" is no digest'],
  [`a@md5:${'0'.repeat(32)}`, 'is no digest'],
  [`a@${SHA256.toUpperCase()}`, 'is no digest'],
  [`a@${SHA256}@${SHA256}`, 'there is more than one «@»'],
  ['docker://alpine', 'leave out what stands before the name'],
  ['https://quay.io/a', 'leave out what stands before the name'],
  [`quay.io/${'a'.repeat(248)}`, 'it is longer than 255 characters'],
] as const)('%j names no image', ([text, why]) => {
  expect(() => parseReference(text)).toThrow(UsageError)
  expect(() => parseReference(text)).toThrow(why)
})

test('a full name means itself, and nothing in it leads out of the repository', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'ab1AZ./:@-_%?#é '), maxLength: 24 })
  fc.assert(
    fc.property(letters, (text) => {
      let read: ReturnType<typeof parseReference>
      try {
        read = parseReference(text)
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError)
        return
      }
      expect(parseReference(read.text)).toEqual(read)
      const path = `/v2/${read.name}/manifests/${read.target}`
      expect(new URL(path, 'http://node').href).toBe(`http://node${path}`)
    }),
    { seed: 5, numRuns: 5_000 },
  )
})
