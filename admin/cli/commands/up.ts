import type { Config } from '../../../node/config/schema.ts'
import { ConfigWatch } from '../../../node/config/watch.ts'
import type { Node, NodeUrls } from '../../../node/index.ts'
import { forgetKilled } from '../../../node/passing-node.ts'
import { VERSION } from '../../../node/version.ts'
import { calledBy } from '../caller-folder.ts'
import { clientLine } from '../clients.ts'
import { EXIT } from '../exit-codes.ts'
import { reachable } from '../images/mirror-address.ts'
import { joinedText, joinFromEnvironment } from '../joining.ts'
import { aligned, styled, writeLines } from '../print.ts'
import { isAnswering } from '../running-node.ts'
import { loadSettings, type SettingFlags, withOverlay } from '../settings.ts'
import { StopSignals } from '../stop-signals.ts'

/** Ms after which a node that should have stopped is ended; answers under way get less than that to finish. */
const STOP_LIMIT = 30_000

/** Runs a node until a signal asks it to stop. */
export async function up(flags: SettingFlags): Promise<void> {
  const loaded = loadSettings(flags)
  if (loaded.config.mesh.ephemeral) await forgetKilled(loaded.config.data, isAnswering)
  const joined = joinFromEnvironment(loaded.config.data)
  if (joined?.outcome === 'none') tell(`${joined.where} is set and empty, so this node joins no mesh by it`)
  else if (joined && joined.outcome !== 'kept') tell(joinedText(joined))
  // After the settings: a mistake in them is told before a server is loaded.
  const { createNode } = await import('../../../node/index.ts')
  const signals = new StopSignals({ insist: () => process.exit(EXIT.interrupted) })
  try {
    const node = await createNode(loaded.config)
    const watch = new ConfigWatch({
      loaded,
      load: () => loadSettings(flags),
      onMirrors: (mirrors) => node.applyMirrors(mirrors),
      onPolicy: (policy) => node.applyPolicy(policy),
      onRestartNeeded: (keys) =>
        tell(keys.length > 0 ? `needs a restart: ${keys.join(', ')}` : 'no restart is needed any more'),
      onInvalid: (error) => tell(`the edit is not taken over: ${error.message.replaceAll('\n', '\nwarren: ')}`),
    })
    try {
      const urls = await node.start()
      watch.start()
      writeLines(process.stdout, greeting(withOverlay(loaded).config, urls))
      await signals.asked
      tell('stopping; answers under way may finish, a second Ctrl-C ends it at once')
    } finally {
      watch.stop()
      await stop(node)
    }
  } finally {
    signals.close()
  }
}

/** What hangs in spite of everything must not hold up a shutdown of the machine. */
async function stop(node: Node): Promise<void> {
  const late = setTimeout(() => {
    tell(`not stopped within ${STOP_LIMIT / 1_000} s, so it is ended`)
    process.exit(EXIT.failure)
  }, STOP_LIMIT)
  late.unref()
  await node.stop()
}

function greeting(config: Config, urls: NodeUrls): string[] {
  const base = (config.publicUrl ?? reachable(urls.listen[0] ?? '')).replace(/\/$/, '')
  const warren = calledBy(process.env)
  const mirrors = config.mirrors.map((mirror) => {
    const url = base + mirror.path
    return [mirror.name, url, clientLine(mirror, { url, warren })]
  })
  const facts = [
    ['clients', `${warren} setup --all`],
    urls.admin.startsWith('unix:')
      ? ['status', `${warren} status --node ${urls.admin}`]
      : ['page', `${reachable(urls.admin)}/admin/`],
    ['data', config.data],
  ]
  const lines = aligned([...mirrors, ...facts], {
    indent: '  ',
    decorate: (cell, _row, column) => (column === 1 ? styled(process.stdout, 'cyan', cell) : cell),
  })
  const title = styled(process.stdout, 'bold', `Warren ${VERSION} is ready`)
  return [title, '', ...lines.slice(0, mirrors.length), '', ...lines.slice(mirrors.length), '', 'Ctrl-C stops it.']
}

function tell(text: string): void {
  process.stderr.write(`warren: ${text}\n`)
}
