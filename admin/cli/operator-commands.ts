import { type Command, Option } from 'commander'
import { OPERATOR_SCOPES } from '../../node/trust/certificates.ts'

/** `warren operator …`: who besides the admin may change the whole mesh; where the admin key is. */
export function addOperatorCommands(program: Command): void {
  const operator = program.command('operator').description('let people change the whole mesh with keys of their own')
  withKey(
    operator
      .command('add')
      .argument('<name>', 'whom the key is for')
      .description('print an operator key, with which changes of the mesh are signed'),
  )
    .addOption(new Option('--scope <scope...>', 'what it may change; all if left out').choices(OPERATOR_SCOPES))
    .option('--expires <when>', 'duration such as 12h or 7d, or last day such as 2027-01-31', '90d')
    .action(async (name, options) => (await import('./commands/operator/add.ts')).add(name, options))
  withFolder(operator.command('list').description('list the operator keys that were made on this machine')).action(
    async (options) => (await import('./commands/operator/list.ts')).list(options),
  )
  withKey(
    operator
      .command('revoke')
      .argument('<operator>', 'name or public key of an operator')
      .description('revoke an operator key; what it has changed so far stays'),
  )
    .option('--void', 'take back all that it has changed, too')
    .action(async (name, options) => (await import('./commands/operator/revoke.ts')).revoke(name, options))
}

function withKey(command: Command): Command {
  return withFolder(command).option('--admin-key <file>', 'the admin key, where it is not in the data folder')
}

function withFolder(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file of the node')
    .option('--data <folder>', 'data folder of the node')
    .option('--json', 'as JSON')
}
