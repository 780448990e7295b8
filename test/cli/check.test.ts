/** `etcd-lb check` as a command; what it finds in real clusters is test/etcd/check.test.ts. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { etcdLb } from '../support/balancer.ts';

const nobody = ['--endpoints', 'm0=http://127.0.0.1:1'];

describe('etcd-lb check', () => {
  test('refuses what run refuses, with the same sentence and a code of its own', async () => {
    const flags = ['--endpoints', '10.0.0.1', '--check-rise', 'none'];
    const [checked, ran] = await Promise.all([
      etcdLb(['check', '--json', ...flags]),
      etcdLb(['run', ...flags]),
    ]);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(checked).toEqual({ ...ran, code: 3 });
  });

  test('prints a table, JSON or YAML, and nothing else', async () => {
    const [table, json, yaml] = await Promise.all([
      etcdLb(['check', ...nobody]),
      etcdLb(['check', '--json', ...nobody]),
      etcdLb(['check', '-o', 'yaml', ...nobody]),
    ]);
    expect(table).toMatchObject({ code: 2, stderr: '' });
    expect(table.stdout).toMatch(/^error {4}cluster: no quorum[\s\S]*\n1 member asked: 2 errors,/);
    expect(json).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      exitCode: 2,
      findings: [{ subject: 'cluster' }, { subject: 'm0', severity: 'error' }],
    });
    expect(yaml).toMatchObject({ code: 2, stderr: '' });
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  });

  test('takes its settings from the environment, too', async () => {
    const { code, stdout } = await etcdLb(['check'], { ETCD_LB_ENDPOINTS: 'm7=127.0.0.1:1' });
    expect(code).toBe(2);
    expect(stdout).toContain('m7: cannot be reached');
  });

  test.each([
    [
      ['--etcd-servers', 'http://127.0.0.1:1'],
      "--etcd-servers is kube-apiserver's; write --endpoints.",
    ],
    [['-o', 'xml'], '--output: "xml" is not a format; write json, yaml or table.'],
    [
      ['--config', '/nowhere.yaml'],
      '--config: /nowhere.yaml cannot be read: no such file or directory;',
    ],
  ])('ends with 3 for %j, when nothing was found out', async (flags, says) => {
    const { code, stdout, stderr } = await etcdLb(['check', ...flags]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^etcd-lb: .*\n$/);
    expect(stderr).toContain(says);
  });

  test('tells its exit codes', async () => {
    const { code, stdout } = await etcdLb(['check', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Exit codes:\n {2}0 .*note\n {2}1 .*warning\n {2}2 .*error.*\n {2}3 .*wrong/,
    );
    expect(stdout).toContain('--json');
  });
});
