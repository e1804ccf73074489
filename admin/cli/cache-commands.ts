import { type Command, Option } from 'commander'
import { withMesh, withNode } from './settings-commands.ts'

/** `warren cache` and `warren purge`: what the running node keeps, and how it gets rid of it. */
export function addCacheCommands(program: Command): void {
  const cache = program.command('cache').description('look into what the running node keeps')
  withNode(
    cache
      .command('search')
      .argument('[text]', 'package URL with * and ranges, such as pkg:npm/left*, or characters of a path; none: everything')
      .description('list what is kept'),
  )
    .option('--mirror <name>', 'only what came from the upstreams of a mirror')
    .option('--limit <number>', 'entries at most', '100')
    .action(async (text, options) => (await import('./commands/cache/search.ts')).search(text, options))
  withNode(
    cache
      .command('show')
      .argument('<what>', 'path of a mirror, such as /npm/left-pad, package URL, digest, or key as «search --json» tells it')
      .description('show all that is known of what is kept, and who in the mesh has it'),
  ).action(async (what, options) => (await import('./commands/cache/show.ts')).show(what, options))
  withMesh(
    program
      .command('purge')
      .argument('[what]', 'package URL with * and ranges, such as pkg:npm/left-pad@<1.3.0; of a mirror, a pattern of its paths')
      .description('let the running node forget what it keeps, at once, and fetch it anew when somebody asks for it'),
  )
    .addOption(new Option('--all', 'everything').conflicts(['mirror', 'digest']))
    .addOption(new Option('--mirror <name>', 'what came from the upstreams of a mirror').conflicts('digest'))
    .option('--digest <digest>', 'the blob with this digest, whatever it is called')
    .option('--dry-run', 'only say what it would be about')
    .option('--yes', 'do not ask before')
    .action(async (what, options) => (await import('./commands/purge.ts')).purge(what, options))
}
