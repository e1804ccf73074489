// The probe of containers: exits with 0 when the node of WARREN_DATA says that it is well, else with 1 and the reason. Asks whether it
// wants work (`readyz`), with the argument `healthz` only whether it is up. A tenth of what a command costs, and it is run all day.
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { urlToHttpOptions } from 'node:url'

/** Ms that an answer may take. */
const PATIENCE = 4_000

try {
  const [what = 'readyz'] = process.argv.slice(2)
  if (what !== 'readyz' && what !== 'healthz') throw new Error(`it can be asked for readyz and healthz, not for ${what}`)
  const status = await ask(adminOf(process.env.WARREN_DATA), `/${what}`)
  if (status !== 200) throw new Error(`the node answers ${what} with ${status}`)
} catch (error) {
  console.error(`warren: ${error.message}`)
  process.exitCode = 1
}

/** What the node wrote once it served: the base URL of its admin listener, or `unix:` and the path of its socket. */
function adminOf(data) {
  if (!data) throw new Error('WARREN_DATA does not name the data folder')
  try {
    return JSON.parse(readFileSync(join(data, 'node.json'), 'utf8')).admin
  } catch (error) {
    throw new Error(`no node serves on ${data} yet: ${error.message}`)
  }
}

function ask(admin, path) {
  const target = admin.startsWith('unix:') ? { socketPath: admin.slice('unix:'.length) } : urlToHttpOptions(new URL(admin))
  return new Promise((resolve, reject) => {
    const asked = request({ ...target, path, agent: false, timeout: PATIENCE }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('timeout', () => asked.destroy(new Error(`the node did not answer within ${PATIENCE / 1_000} s`)))
    asked.on('error', reject)
    asked.end()
  })
}
