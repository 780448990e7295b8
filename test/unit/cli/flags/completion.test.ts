/** What a shell offers, asked of bash itself. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { completionFor } from '../../../../src/cli/flags/completion.ts';
import { createProgram } from '../../../../src/cli/program.ts';
import { options } from '../../../../src/config/options.ts';

const script = completionFor('bash', createProgram());

/** What bash offers after these words, the last of which is being typed. The members are cp1 and cp2. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const ask = `
etcd-lb() { [ "$*" = "status --names" ] && printf 'cp1\\ncp2\\n'; }
COMP_WORDS=(etcd-lb "$@") COMP_CWORD=$#
_etcd_lb
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = promisify(execFile);
  const { stdout } = await run('bash', ['-c', `${script}${ask}`, 'bash', ...words]);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('in bash', () => {
  test.each([
    [['dr'], ['drain']],
    [['--v'], ['--version']],
    [['run', '--bal'], ['--balance']],
    [
      ['run', '--balance', 'l'],
      ['least-connections', 'least-calls', 'leader'],
    ],
    [
      ['check', '--tls', ''],
      ['passthrough', 'terminate', 'originate'],
    ],
    [
      ['status', '-o', ''],
      ['json', 'yaml', 'table'],
    ],
    [['status', '--output', 'y'], ['yaml']],
    [['status', '--exit'], ['--exit-code']],
    [
      ['run', '--reuse-port', 'o'],
      ['on', 'off'],
    ],
    [['run', '--reuse-port', '--follow'], ['--follow-calls']],
    [
      ['drain', 'cp'],
      ['cp1', 'cp2'],
    ],
    [['move-leader', 'cp2'], ['cp2']],
    [
      ['events', '--member', ''],
      ['cp1', 'cp2'],
    ],
    [['log-level', 'd'], ['debug']],
    [['help', 'ver'], ['version']],
    // Nothing of ours, so that bash offers files.
    [['run', '--cacert', ''], []],
    [['run', '--config', ''], []],
  ])('%j offers %j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test('run offers every setting, and check those that it reads', async () => {
    const flags = options.map(({ name }) => `--${name}`);
    expect(await offered('run', '--')).toEqual([...flags, '--all']);
    expect(await offered('check', '--max')).toEqual([]);
  });
});

test('in fish, flags have their values', () => {
  const lines = completionFor('fish', createProgram()).split('\n');
  const of = (command: string, flag: string): string | undefined =>
    lines.find((line) => line.includes(`from ${command}' -l ${flag} `));
  expect(of('run', 'balance')).toContain(" -x -a 'least-connections least-calls ");
  expect(of('run', 'reuse-port')).toContain(" -l reuse-port -a 'on off' ");
  expect(of('run', 'cacert')).toContain(' -l cacert -r -d ');
  expect(of('status', 'output')).toContain(" -s o -x -a 'json yaml table' ");
  expect(of('events', 'member')).toContain(" -x -a '(etcd-lb status --names 2>/dev/null)' ");
});
