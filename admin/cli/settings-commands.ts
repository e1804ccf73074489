import type { Command } from 'commander'

/** `warren mirrors`, `policy`, `block`, `unblock`: what is changed at a running node, above its configuration file. */
export function addSettingsCommands(program: Command): void {
  const mirrors = program
    .command('mirrors')
    .description('list the mirrors of the running node, add, change, test and remove them')
  withNode(mirrors.command('list', { isDefault: true }).description('list mirrors, where each comes from and what it shadows'))
    // As the default it gets whatever is no command.
    .allowExcessArguments()
    .action(async (options, { args }) => {
      if (args[0] !== undefined) mirrors.error(`error: unknown command '${args[0]}'`)
      await (await import('./commands/mirrors/list.ts')).list(options)
    })
  withEntry(mirrors.command('add').argument('<name>', 'name of the mirror').description('add a mirror at this node')).action(
    async (name, options) => (await import('./commands/mirrors/set.ts')).add(name, options),
  )
  withEntry(
    mirrors
      .command('set')
      .argument('<name>', 'name of the mirror')
      .description('change a mirror at this node; what no option names stays as it is'),
  ).action(async (name, options) => (await import('./commands/mirrors/set.ts')).set(name, options))
  withNode(
    mirrors
      .command('remove')
      .argument('<name>', 'name of the mirror')
      .description('take a mirror away at this node, wherever it comes from'),
  ).action(async (name, options) => (await import('./commands/mirrors/remove.ts')).remove(name, options))
  withNode(
    mirrors
      .command('restore')
      .argument('<name>', 'name of the mirror')
      .description('take back what was changed at this node about a mirror'),
  ).action(async (name, options) => (await import('./commands/mirrors/remove.ts')).restore(name, options))
  withNode(
    mirrors
      .command('test')
      .argument('[name...]', 'names of mirrors; none: all')
      .description('ask each upstream of mirrors, and say how that went'),
  ).action(async (names, options) => (await import('./commands/mirrors/test.ts')).test(names, options))
  withOperator(
    withNode(
      mirrors
        .command('push')
        .argument('<name...>', 'names of mirrors')
        .description('give mirrors of the running node to the whole mesh, as they are now'),
    ),
  )
    .option('--undo', 'take them back from the mesh')
    .action(async (names, options) => (await import('./commands/mirrors/push.ts')).push(names, options))
  withNode(program.command('policy').description('show which packages the running node lets through, and who says so')).action(
    async (options) => (await import('./commands/policy.ts')).policy(options),
  )
  withMesh(
    program
      .command('block')
      .argument('<purl>', 'package URL, such as pkg:npm/left-pad or "pkg:pypi/req*@<2"')
      .description('give a package out no more at the running node, from now on'),
  )
    .option('--reason <text>', 'why, for whoever asks for it')
    .action(async (purl, options) => (await import('./commands/block.ts')).block(purl, options))
  withMesh(
    program
      .command('unblock')
      .argument('<purl>', 'package URL as it was blocked')
      .description('take back what «warren block» did'),
  ).action(async (purl, options) => (await import('./commands/block.ts')).unblock(purl, options))
}

function withEntry(command: Command): Command {
  return withNode(
    command
      .option('--protocol <name>', 'protocol that its clients speak, such as npm')
      .option('--path <path>', 'where it is mounted; if not set /<name>/, or what its protocol has, such as /maven/<name>/')
      .option('--upstream <url>', 'base URL of the registry; may be given several times, asked in this order', several)
      .option('--registry <name>', 'registry that it is for, as images name it (oci)')
      .option('--lifetime <duration>', 'for how long what may change counts as fresh at most, such as 5m')
      .option('--from <file>', 'file with all its settings, in YAML or JSON, as below «mirrors» in the configuration file'),
  )
}

/** As for commands that change a node, or all of a mesh. */
export function withMesh(command: Command): Command {
  return withOperator(withNode(command)).option(
    '--mesh',
    'change the whole mesh: signed by an operator key, or by the node that has the admin key',
  )
}

function withOperator(command: Command): Command {
  return command.option(
    '--operator-key <file>',
    'file with an operator key; else WARREN_OPERATOR_KEY, or the file that WARREN_OPERATOR_KEY_FILE names',
  )
}

/** As for all commands that ask a running node. */
export function withNode(command: Command): Command {
  return command
    .option('--json', 'as JSON')
    .option('--node <url>', 'admin address of the node: http://host:port or unix:/path')
    .option('--config <file>', 'configuration file of the node')
    .option('--data <folder>', 'data folder of the node')
}

function several(one: string, others: string[] = []): string[] {
  return [...others, one]
}
