/** What is said of command lines that cannot be parsed. */
import { expect, test } from 'vitest';
import { sentenceOf } from '../../../../src/cli/flags/wrong-words.ts';
import { parse } from '../program.ts';

test.each([
  ['rnu', 'rnu is not a command; did you mean run?'],
  ['start', 'start is not a command; did you mean run?'],
  ['toString', 'toString is not a command; see etcd-lb --help.'],
  ['--versoin', '--versoin is not a flag of etcd-lb; did you mean --version?'],
  ['--listen :1', '--listen is a flag of a command; write etcd-lb run --listen.'],
  ['--etcd-servers x', "--etcd-servers is kube-apiserver's; write --endpoints."],
  ['run --etcd-servers=x', "--etcd-servers is kube-apiserver's; write --endpoints."],
  ['check --bind :1', "--bind is HAProxy's; write --listen."],
  ['config -f x', "-f is HAProxy's; write --config."],
  [
    'run --trusted-ca-file x',
    "--trusted-ca-file is etcd's; write --cacert for the authorities of members, or --client-ca for those of clients.",
  ],
  // Settings that are not in the short help are known all the same.
  ['run --chek-rise 1', '--chek-rise is not a flag of etcd-lb run; did you mean --check-rise?'],
  [
    'check --max-conections 1',
    '--max-conections is not a flag of etcd-lb check; did you mean --max-connections?',
  ],
  ['run --toString', '--toString is not a flag of etcd-lb run; see etcd-lb run --help.'],
  // Commands without settings have none of ours to offer.
  ['drain -f cp1', '-f is not a flag of etcd-lb drain; see etcd-lb drain --help.'],
  ['drain cp1 --wiat', '--wiat is not a flag of etcd-lb drain; did you mean --wait?'],
  ['run --balance', '--balance needs a value; write --balance POLICY.'],
  ['status -o', '--output needs a value; write --output FORMAT.'],
  ['run now', '"now" is one word too many; see etcd-lb run --help.'],
  ['drain', 'the member is missing; write etcd-lb drain <member>.'],
  ['log-level loud', '"loud" is not a level; write trace, debug, info, warn or error.'],
  ['completion csh', '"csh" is not a shell; write bash, zsh or fish.'],
  ['status --watch --exit-code', "option '--exit-code' cannot be used with option '--watch'."],
  ['run --\u001b[31m', '--\ufffd[31m is not a flag of etcd-lb run; see etcd-lb run --help.'],
])('etcd-lb %s', (line, sentence) => {
  const words = line.split(' ');
  const { program, error } = parse(...words);
  if (error === undefined) throw new Error('it was parsed');
  expect(sentenceOf(error, program, words)).toBe(sentence);
});
