import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Asker, MemberDoor } from '../../../node/http/member-door.ts'
import { MAX_ASKED, MAX_QUESTION_BYTES } from '../../../node/permanence/constants.ts'
import { HELD_PATH } from '../../../node/permanence/held-messages.ts'
import { HeldService } from '../../../node/permanence/held-service.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { MemoryShelf } from '../../harness/memory-shelf.ts'
import { Random } from '../../harness/random.ts'
import { plainServer, until } from '../http/fixture.ts'

useLeakCheck()

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** A seed that holds some blobs; `as` is who asks. */
async function holder(...held: Buffer[]) {
  const shelf = new MemoryShelf()
  for (const bytes of held) shelf.hold(bytes)
  const bugs: unknown[] = []
  const service = new HeldService({ shelf })
  const door = new MemberDoor({ services: [service], events: { sent: () => {}, bug: (error) => bugs.push(error) } })
  const member: { -readonly [Key in keyof Asker]: Asker[Key] } = { peer: 'the member', role: 'member' }
  let asked = 0
  const url =
    (await plainServer((request, response) => {
      asked++
      void door.handle(request, response, { ...member })
    })) + HELD_PATH
  const ask = async (body: NonNullable<RequestInit['body']>, init: RequestInit = {}) => {
    const answer = await fetch(url, { method: 'POST', body, ...init })
    return { status: answer.status, text: await answer.text() }
  }
  const which = async (blobs: readonly string[]) => {
    const { status, text } = await ask(JSON.stringify({ v: 1, sha256: blobs }))
    expect(status).toBe(200)
    return JSON.parse(text)
  }
  return { ask, which, bugs, member, url, asked: () => asked }
}

describe('the question which blobs are held', () => {
  const [one, two, three] = ['one', 'two', 'three'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]

  it('is answered from the shelf', async () => {
    const { which } = await holder(one, three)
    expect(await which([one, two, three].map(sha256))).toEqual({ v: 1, held: [0, 2] })
    expect(await which([sha256(two)])).toEqual({ v: 1, held: [] })
    const many = Array.from({ length: MAX_ASKED - 1 }, (_, at) => sha256(Buffer.from(String(at))))
    expect(await which([...many, sha256(one)])).toEqual({ v: 1, held: [MAX_ASKED - 1] })
  })

  it.each([
    ['nothing', ''],
    ['no JSON', 'which?'],
    ['another version', JSON.stringify({ v: 2, sha256: [sha256(one)] })],
    ['no digests', JSON.stringify({ v: 1, sha256: [] })],
    ['too many', JSON.stringify({ v: 1, sha256: Array(MAX_ASKED + 1).fill(sha256(one)) })],
    ['paths', JSON.stringify({ v: 1, sha256: ['../../../../etc/passwd'.padEnd(64, '.')] })],
    ['upper case', JSON.stringify({ v: 1, sha256: [sha256(one).toUpperCase()] })],
  ])('that asks for %s is refused', async (_what, body) => {
    const { ask, bugs } = await holder(one)
    expect((await ask(body)).status).toBe(400)
    expect(bugs).toEqual([])
  })

  it('is refused when it is too long, or no POST', async () => {
    const { ask, url, bugs } = await holder(one)
    expect((await ask('x'.repeat(MAX_QUESTION_BYTES + 1))).status).toBe(413)
    expect((await fetch(url)).status).toBe(405)
    expect(bugs).toEqual([])
  })

  it('of any bytes brings no answer that is none', async () => {
    const { ask, bugs } = await holder(one)
    const random = new Random(20_261_129)
    const right = Buffer.from(JSON.stringify({ v: 1, sha256: [sha256(one), sha256(two)] }))
    for (let round = 0; round < 400; round++) {
      const body = Buffer.from(right)
      for (let hit = 0; hit < random.between(1, 4); hit++) body[random.between(0, body.length - 1)] = random.between(0, 255)
      const { status } = await ask(new Uint8Array(body.subarray(0, random.between(0, body.length))))
      expect([200, 400]).toContain(status)
    }
    expect(bugs).toEqual([])
  })

  it('is one at a time of each member', async () => {
    const { ask, which, member, asked } = await holder(one)
    // Whoever is slow with its question holds up itself alone.
    const slow = Promise.withResolvers<void>()
    const body = new ReadableStream({
      async pull(controller) {
        controller.enqueue(Buffer.from('{"v":1,'))
        await slow.promise
        controller.enqueue(Buffer.from(`"sha256":["${sha256(one)}"]}`))
        controller.close()
      },
    })
    const first = ask(body, { duplex: 'half' } as RequestInit)
    await until(() => asked() === 1)
    expect((await ask('{}')).status).toBe(503)
    member.peer = 'another'
    expect(await which([sha256(one)])).toEqual({ v: 1, held: [0] })
    slow.resolve()
    expect((await first).status).toBe(200)
  })
})
