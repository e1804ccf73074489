import type { Command } from 'commander'

/** `warren seed …`: which nodes are seeds of a mesh; where the admin key is. */
export function addSeedCommands(program: Command): void {
  const seed = program.command('seed').description('make nodes seeds of the mesh, renew their certificates, revoke them')
  withKey(seed.command('add').argument('<peer>', 'peer id of a member').description('make a member a seed, while it runs'))
    .option('--expires <when>', 'duration such as 12h or 7d, or last day; a year, and then renewed, if left out')
    .action(async (peer, options) => (await import('./commands/seed/add.ts')).add(peer, options))
  withKey(
    seed
      .command('renew')
      .argument('[peer]', 'peer id of a seed; none: all whose certificate has a third of its life left or less')
      .description('renew certificates of seeds; a running node with the admin key does it by itself'),
  )
    .option('--all', 'every certificate')
    .action(async (peer, options) => (await import('./commands/seed/renew.ts')).renew(peer, options))
  withKey(
    seed.command('revoke').argument('<peer>', 'peer id of a seed').description('take its role from a seed, and cut it off'),
  ).action(async (peer, options) => (await import('./commands/seed/revoke.ts')).revoke(peer, options))
}

function withKey(command: Command): Command {
  return command
    .option('--admin-key <file>', 'the admin key, where it is not in the data folder')
    .option('--config <file>', 'configuration file of the node')
    .option('--data <folder>', 'data folder of the node')
    .option('--json', 'as JSON')
}
