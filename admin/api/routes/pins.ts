import { z } from 'zod'
import type { ApiApp } from '../app.ts'
import { type PinsAnswer, type PlaceAnswer, pinsSchema, placeSchema } from '../pins-schema.ts'

export interface PinsPorts {
  pins(): Promise<PinsAnswer>
  /** Where the pin of a target of the mirrors is. Throws BAD_REQUEST and NO_SUCH_MIRROR. */
  placeOf(target: string): Promise<PlaceAnswer>
}

const TARGET_MUST = 'a path of a mirror, such as /npm/lodash'
const target = z.string({ error: TARGET_MUST }).startsWith('/', { error: TARGET_MUST })

export function pinsRoutes(app: ApiApp, ports: PinsPorts): void {
  app.get(
    '/admin/v1/pins',
    { schema: { tags: ['pins'], summary: 'How the pins stand, in the eyes of each seed', response: { 200: pinsSchema } } },
    () => ports.pins(),
  )
  app.get(
    '/admin/v1/pins/place',
    {
      schema: {
        tags: ['pins'],
        summary: 'Which seeds have what a mirror hands out at a path',
        querystring: z.object({ target: target.describe('Path of a mirror') }),
        response: { 200: placeSchema },
      },
    },
    ({ query }) => ports.placeOf(query.target),
  )
}
