import { Unreadable } from '../doctor/clients/client.ts'
import type { Machine } from '../doctor/scene.ts'
import type { Mirrors, NodeMirror } from '../get/mirrors.ts'
import { NotEditable } from '../setup/not-editable.ts'
import { cargo } from './cargo.ts'
import type { Led, Outcome } from './env-clients.ts'
import type { FileClient } from './file-client.ts'
import { gradle } from './gradle.ts'
import type { JobFolder } from './job-folder.ts'
import { choose, placeText } from './leading.ts'
import { maven } from './maven.ts'
import { sbt } from './sbt.ts'

const CLIENTS: readonly FileClient[] = [cargo, maven, gradle, sbt]

/** Writes files for the clients that need some, and says by which variables they find these. */
export function leadByFiles(
  mirrors: Mirrors,
  machine: Machine,
  folder: JobFolder,
): Led & { readonly added: ReadonlyMap<string, string> } {
  const variables = new Map<string, string>()
  const added = new Map<string, string>()
  const outcomes = CLIENTS.map((client): Outcome => {
    const { name } = client
    if (!client.isHere(machine))
      return { client: name, mirror: null, why: 'it is not installed; «warren env» leads it there when it is' }
    const choice = choose(client, mirrors, machine)
    if (!choice.mirror) return { client: name, mirror: null, why: choice.why }
    const { mirror, instead } = choice
    try {
      const own = folder.folder(name.toLowerCase())
      const written = client.write(own, { url: mirrors.urlOf(mirror, ''), mirrors: kinOf(mirror, mirrors) }, machine)
      if (written.added && !/^[\w./:@%+,=-]+$/.test(folder.path))
        return {
          client: name,
          mirror: null,
          why: `it takes no path with a space in it, or a sign of shells, as ${folder.path} is`,
        }
      for (const [variable, value] of Object.entries(written.variables ?? {})) variables.set(variable, value)
      for (const [variable, words] of Object.entries(written.added ?? {})) added.set(variable, words)
      return { client: name, mirror: mirror.name, ...(instead && { instead: placeText(instead) }) }
    } catch (error) {
      if (!(error instanceof Unreadable || error instanceof NotEditable)) throw error
      return { client: name, mirror: null, why: error.message }
    }
  })
  return { variables, added, outcomes }
}

function kinOf({ protocol }: NodeMirror, mirrors: Mirrors): (NodeMirror & { readonly url: string })[] {
  return mirrors.all.filter((one) => one.protocol === protocol).map((one) => ({ ...one, url: mirrors.urlOf(one, '') }))
}
