import { expect, test } from 'vitest';
import { findMember } from '../../../src/admin/find-member.ts';
import { OperationRefused } from '../../../src/admin/refused.ts';

const members = [
  { name: 'm0', endpoint: 'http://10.0.0.1:2379', id: '8e9e05c52164694d' },
  { name: 'm1', endpoint: 'http://etcd-1.example:2379', id: undefined },
  { name: '10.0.0.3:2379', endpoint: 'http://10.0.0.3:2379', id: 'aa' },
];

const find = <T extends (typeof members)[number]>(word: string, among: readonly T[]): T =>
  findMember(word, among, ({ id }) => id);

test.each([
  ['m0', 'm0'],
  ['10.0.0.1:2379', 'm0'],
  ['http://10.0.0.1:2379', 'm0'],
  ['HTTP://Etcd-1.Example:2379', 'm1'],
  ['8e9e05c52164694d', 'm0'],
  ['0x8E9E05C52164694D', 'm0'],
  ['10.0.0.3:2379', '10.0.0.3:2379'],
])('%s is %s', (word, name) => {
  expect(find(word, members).name).toBe(name);
});

test('a name wins over what another is called otherwise', () => {
  const twins = [
    { name: 'a', endpoint: 'http://b:1', id: 'c' },
    { name: 'c', endpoint: 'http://d:1', id: 'e' },
  ];
  expect(find('c', twins)).toBe(twins[1]);
});

test.each([
  ['mo', 'mo is not a member; did you mean m0?'],
  ['10.0.0.1:2378', '10.0.0.1:2378 is not a member; did you mean 10.0.0.1:2379?'],
  ['kube', 'kube is not a member; write one of m0, m1, 10.0.0.3:2379'],
])('%s is told with what may be meant', (word, sentence) => {
  expect(() => find(word, members)).toThrow(new OperationRefused('unknown', sentence));
});
