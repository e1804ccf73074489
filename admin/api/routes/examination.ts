import type { ApiApp } from '../app.ts'
import { type Examination, examinationSchema } from '../examination-schema.ts'

export interface ExaminationPorts {
  /** Tries upstreams and members; one time for all who ask at once. */
  examine(): Promise<Examination>
}

export function examinationRoutes(app: ApiApp, { examine }: ExaminationPorts): void {
  app.get(
    '/admin/v1/examination',
    {
      schema: {
        tags: ['node'],
        summary: 'How the node stands in its surroundings: asks each upstream once, and some members for their clocks',
        response: { 200: examinationSchema },
      },
    },
    () => examine(),
  )
}
