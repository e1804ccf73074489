import { type Command, InvalidArgumentError, Option } from 'commander'
import { SHELLS } from './env/shell.ts'
import { withNode } from './settings-commands.ts'

/** Longest wait in seconds: a job that hangs for longer is better told. */
const LONGEST_WAIT = 600

/** `warren env`: what leads the clients of one job to the node. */
export function addEnvCommand(program: Command): void {
  withNode(program.command('env').description('print variables that lead the clients of a job to the running node'))
    .addOption(
      new Option('--shell <shell>', 'for whom: a shell, GITHUB_ENV, or a file of NAME=value').choices(SHELLS).default('sh'),
    )
    .option('--wait <seconds>', 'for a node that is starting, and to be connected with its mesh', seconds, 0)
    .option('--dir <folder>', 'where settings go that clients read from files; a temporary folder if not set')
    .option('--mirror <name>', 'mirror to lead to, as for get', several)
    .option('--remove', 'remove that folder, and print what takes the variables back')
    .action(async (options) => (await import('./commands/env.ts')).env(options))
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= LONGEST_WAIT) return value
  throw new InvalidArgumentError(`It must be a number of seconds, ${LONGEST_WAIT} at most.`)
}

function several(one: string, others: string[] = []): string[] {
  return [...others, one]
}
