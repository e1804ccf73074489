import { type Command, Option } from 'commander'
import { withNode } from './settings-commands.ts'

/** Written down here, so that the set-ups themselves are loaded only when one is asked for. */
const NAMES =
  'npm, pnpm, yarn, bun, pip, uv, poetry, maven, gradle, sbt, coursier, ivy, go, cargo, docker, containerd, podman, cri-o, buildkit, apt'

/** `warren setup`: how clients on this machine come to the node. */
export function addClientCommands(program: Command): void {
  withNode(
    program
      .command('setup')
      .argument('[client...]', NAMES)
      .description('lead clients to the node by their own settings; without --write and --undo only say what would change'),
  )
    .option('--all', 'all clients that are installed here')
    .addOption(new Option('--write', 'change the settings, with a copy of each file beside it').conflicts('undo'))
    .option('--undo', 'take back what was written, and nothing that was changed since')
    .addOption(new Option('--replace', 'also where a client is led to a registry that no mirror asks').conflicts('undo'))
    .addOption(
      new Option('--adopt', 'write, after the running node was given mirrors for where clients are led now').conflicts([
        'undo',
        'replace',
      ]),
    )
    .action(async (clients, options) => (await import('./commands/setup.ts')).setup(clients, options))
}
