/**
 * `npm start`: the demo, unless a command is given (`npm start -- run --listen …`).
 * Only for the checkout; the published package starts with cli/main.ts.
 */
import { Command, Option } from 'commander';

const [command] = process.argv.slice(2);

if (command === undefined || command.startsWith('-')) {
  const program = new Command('npm start --')
    .description(
      'Start a real etcd cluster on this machine with the balancer in front of it.\nWith a command (run, check, status, drain, help …) start etcd-lb itself instead.',
    )
    .addOption(
      new Option('--members <n>', 'members of the cluster').choices(['1', '3', '5']).default('3'),
    )
    .option('--once', 'write and read through the balancer, then end')
    .parse();
  const { members, once } = program.opts<{ members: '1' | '3' | '5'; once?: true }>();
  const { demo } = await import('./demo.ts');
  await demo({ size: Number(members) as 1 | 3 | 5, once: once === true });
} else {
  await import('../cli/main.ts');
}
