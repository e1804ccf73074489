import { Command, CommanderError, Option } from 'commander'
import { isWarrenError, reasonOf } from '../../node/errors.ts'
import { addCacheCommands } from './cache-commands.ts'
import { goToCaller } from './caller-folder.ts'
import { addClientCommands } from './client-commands.ts'
import { addEnvCommand } from './env-command.ts'
import { EXIT, EXIT_HELP, UnreachableError, UsageError } from './exit-codes.ts'
import { addMeshCommands } from './mesh-commands.ts'
import { addOperatorCommands } from './operator-commands.ts'
import { writeLines } from './print.ts'
import { addSeedCommands } from './seed-commands.ts'
import { addSettingsCommands, withNode } from './settings-commands.ts'
import { versionText } from './version.ts'

/** Runs the command line and sets the exit code of the process; what holds the process open is the command's own. */
export async function main(args: readonly string[]): Promise<void> {
  // The reader of a pipe may go away early (`warren status | head -1`), and a terminal be closed (EIO); that is no reason to
  // end a node, nor to leave behind what a command would still have tidied up.
  for (const output of [process.stdout, process.stderr])
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    })
  goToCaller(process.env)
  const program = commands()
  try {
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    // Commander has written its own messages already.
    if (!(error instanceof CommanderError)) process.stderr.write(messageOf(error))
  }
}

/** All commands, not run yet. */
export function commands(): Command {
  const program = new Command('warren')
    .description('Warren: a cache for software artifacts on this machine')
    .option('--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print this help, or that of a command')
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
  // Not by `version()`, which wants the text for every command: in a checkout git is asked for it.
  program.on('option:version', () => {
    writeLines(process.stdout, [versionText()])
    throw new CommanderError(EXIT.ok, 'commander.version', '')
  })
  // Each command is loaded when it runs: asking for the status needs no server.
  withSettings(program.command('up').description('run a node')).action(async (options) =>
    (await import('./commands/up.ts')).up(options),
  )
  withNode(program.command('status').description('show what the running node does')).action(async (options) =>
    (await import('./commands/status.ts')).status(options),
  )
  withNode(program.command('peers').description('show the other members of the mesh')).action(async (options) =>
    (await import('./commands/peers.ts')).peers(options),
  )
  withNode(
    program
      .command('get')
      .argument('[name...]', 'images, as Docker names them, and package URLs, such as pkg:npm/lodash@4.17.21')
      .description('fetch images and packages through the running node, so that it has them'),
  )
    .option('--lockfile <file>', 'all that a lockfile names; may be given several times', several)
    .option('--mirror <name>', 'mirror to ask, whatever is said elsewhere; may be given once for each protocol', several)
    .option('--platform <os/arch>', "platform that it is for, else this machine's; may be given several times", several)
    .addOption(new Option('--all-platforms', 'what there is for any platform').conflicts('platform'))
    .action(async (images, options) => (await import('./commands/get.ts')).get(images, options))
  withNode(
    program
      .command('pin')
      .argument('[name...]', 'images, package URLs, or paths of mirrors, such as /npm/lodash; none: all that there is')
      .description('show on which seeds things are kept; of what is named, after the node has fetched it'),
  )
    .option('--mirror <name>', 'mirror to ask, as for get', several)
    .option('--platform <os/arch>', "platform that it is for, else this machine's; may be given several times", several)
    .addOption(new Option('--all-platforms', 'what there is for any platform').conflicts('platform'))
    .action(async (names, options) => (await import('./commands/pin.ts')).pin(names, options))
  withNode(
    program
      .command('explain')
      .argument('<name>', 'image, package URL, path of a mirror, such as /npm/lodash, or digest')
      .description('say where something would come from now, and why'),
  )
    .option('--mirror <name>', 'mirror to ask, as for get', several)
    .action(async (name, options) => (await import('./commands/explain.ts')).explain(name, options))
  addClientCommands(program)
  addEnvCommand(program)
  addMeshCommands(program)
  addSeedCommands(program)
  addSettingsCommands(program)
  addOperatorCommands(program)
  addCacheCommands(program)
  withNode(program.command('ledger').description('list what the admin and operators changed in the mesh')).action(
    async (options) => (await import('./commands/ledger.ts')).ledger(options),
  )
  withSettings(program.command('config').description('show each setting, where it comes from and what it shadows'))
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./commands/config.ts')).config(options))
  withNode(
    program.command('doctor').description('look the node and the settings of clients on this machine over, and say what to do'),
  ).action(async (options) => (await import('./commands/doctor.ts')).doctor(options))
  program
    .command('demo')
    .description('let three nodes on this machine install a package from each other, and remove every trace')
    .option('--package <name>', 'npm package to install', 'is-odd')
    .option('--keep', 'keep the folder with everything in it')
    .option('--json', 'the facts as JSON; the story goes to stderr')
    .action(async (options) => (await import('./commands/demo.ts')).demo(options))
  withHints(program, 'warren')
  return program
}

/** What is wrong with the use of a command is told with its own help, under the name by which it was called. */
function withHints(command: Command, name: string): void {
  command.configureOutput({
    outputError: (text, write) => write(`warren: ${usageLine(text)}; see «${name} --help»\n`),
  })
  for (const one of command.commands) withHints(one, `${name} ${one.name()}`)
}

function withSettings(command: Command): Command {
  return command
    .option('--config <file>', "configuration file; else WARREN_CONFIG, else the user's, else the system's")
    .option('--data <folder>', 'folder for everything that the node keeps')
    .option('--listen <address>', 'host:port of the mirrors; may be given several times', several)
    .option('--admin-listen <address>', 'host:port or unix:/path of the admin API')
    .option('--log-level <level>', 'least severe log line that is written: trace, debug, info, warn, error, fatal or silent')
}

function several(one: string, others: string[] = []): string[] {
  return [...others, one]
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof UsageError || isWarrenError(error, 'CONFIG_INVALID', 'TICKET_INVALID', 'OPERATOR_INVALID'))
    return EXIT.usage
  return error instanceof UnreachableError ? EXIT.unreachable : EXIT.failure
}

/** What commander finds, in one line: it puts its proposals into a second one. */
function usageLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
}

/** One line for each thing that is wrong; never a stack trace. */
function messageOf(error: unknown): string {
  const lines = isWarrenError(error) || error instanceof UsageError ? error.message.split('\n') : [reasonOf(error)]
  return lines.map((line) => `warren: ${line}\n`).join('')
}
