import { type Command, Option } from 'commander'

/** `warren mesh …`: in which mesh the node of a data folder is. */
export function addMeshCommands(program: Command): void {
  const mesh = program.command('mesh').description('create a mesh, let machines into it, join one, leave it')
  withFolder(mesh.command('create').description('create a mesh, with this node as its first seed'))
    .addOption(addressOption())
    .option('--admin-key <file>', 'where the admin key goes, such as a stick that is then kept offline')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./commands/mesh/create.ts')).create(options))
  withFolder(mesh.command('ticket').description('print a ticket, by which any number of machines can join'))
    .addOption(new Option('--role <role>', 'role of those who join').choices(['member', 'seed']).default('member'))
    .option('--expires <when>', 'duration such as 12h or 7d, or last day such as 2027-01-31', '365d')
    .addOption(addressOption())
    .option('--admin-key <file>', 'the admin key, where it is not in the data folder')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./commands/mesh/ticket.ts')).ticket(options))
  withFolder(mesh.command('tickets').description('list the tickets that were issued on this machine'))
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./commands/mesh/tickets.ts')).tickets(options))
  withFolder(
    mesh
      .command('revoke')
      .argument('<ticket>', 'id of a ticket')
      .description('revoke a ticket, and cut off all who joined by it'),
  )
    .option('--admin-key <file>', 'the admin key, where it is not in the data folder')
    .option('--json', 'as JSON')
    .action(async (ticket, options) => (await import('./commands/mesh/revoke.ts')).revoke(ticket, options))
  withFolder(mesh.command('join').description('join a mesh, or renew the certificate, by a ticket on stdin'))
    .option('--ticket-file <file>', 'file with the ticket; else WARREN_TICKET, WARREN_TICKET_FILE or stdin')
    // What people try first. The words of commander for both would show the ticket once more.
    .addOption(new Option('--ticket <ticket>').hideHelp())
    .allowExcessArguments()
    .option('--json', 'as JSON')
    .action(async (options, command: Command) => (await import('./commands/mesh/join.ts')).join(options, command.args))
  withFolder(mesh.command('leave').description('leave the mesh'))
    .option('--yes-lose-admin-key', 'remove the admin key with it, when it is in the data folder')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./commands/mesh/leave.ts')).leave(options))
}

function withFolder(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file of the node')
    .option('--data <folder>', 'data folder of the node')
}

function addressOption(): Option {
  const text = 'host:port or multiaddr by which joiners find the mesh; may be given several times'
  return new Option('--address <address>', text).argParser((one: string, others: string[] = []) => [...others, one])
}
