/** The client went away before its answer was complete: there is nobody to tell, and nothing went wrong here. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft'

  constructor() {
    super('the client left')
  }
}
