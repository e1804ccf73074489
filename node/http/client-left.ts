import type { ServerResponse } from 'node:http'

/** The client went away before its answer was complete: there is nobody to tell, and nothing went wrong here. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft'

  constructor() {
    super('the client left')
  }
}

/** Aborted with ClientLeft when the client leaves before its answer is complete. */
export function untilClientLeaves(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (response.destroyed) controller.abort(new ClientLeft())
  else
    response.once('close', () => {
      if (!response.writableFinished) controller.abort(new ClientLeft())
    })
  return controller.signal
}
