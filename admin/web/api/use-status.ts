import { useEffect, useRef, useState } from 'preact/hooks'
import type { Counts, Status } from '../../api/status-schema.ts'
import { History } from './history.ts'
import { onSession, token } from './session.ts'
import { type Answered, useAnswer } from './use-answer.ts'

/** With the token all of it, without it counts. */
export type Told = Counts & Partial<Status>

/** Ms between two looks at the node. */
const EVERY = 2_000

export interface NodeView extends Answered<Told> {
  readonly history: History
  readonly signedIn: boolean
}

/** How this node is, looked at all the time, whatever view is open: the past in charts is what the page saw. */
export function useStatus(): NodeView {
  const [signedIn, setSignedIn] = useState(token() !== null)
  useEffect(() => onSession(() => setSignedIn(token() !== null)), [])
  const history = useRef(new History()).current
  const told = useAnswer<Told>('status', EVERY, signedIn)
  if (told.value) history.add(told.value, told.at)
  return { ...told, history, signedIn }
}
