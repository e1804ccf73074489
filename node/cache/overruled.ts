import { WarrenError } from '../errors.ts'

/** Documents say that an artifact is another one than the seed said that began to send it. Nobody is to blame: time told them different things. */
export class Overruled extends WarrenError {
  constructor() {
    super('UPSTREAM_CORRUPT', 'documents say that it is something else than the seed said that began to send it')
  }
}
