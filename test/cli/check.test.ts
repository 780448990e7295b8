/** `etcd-lb check` as a command; what it finds in real clusters is test/etcd/check.test.ts. */
import { describe, expect, test } from 'vitest';
import { etcdLb } from '../support/balancer.ts';

const nobody = ['--endpoints', 'm0=http://127.0.0.1:1'];

describe('etcd-lb check', () => {
  test('refuses what run refuses, with the same sentence', async () => {
    const flags = ['--endpoints', '10.0.0.1', '--check-rise', 'none'];
    const [checked, ran] = await Promise.all([
      etcdLb(['check', '--json', ...flags]),
      etcdLb(['run', ...flags]),
    ]);
    expect(checked).toMatchObject({ code: 2, stdout: '' });
    expect(checked).toEqual(ran);
  });

  test('prints a table, or JSON, and nothing else', async () => {
    const [table, json] = await Promise.all([
      etcdLb(['check', ...nobody]),
      etcdLb(['check', '--json', ...nobody]),
    ]);
    expect(table).toMatchObject({ code: 2, stderr: '' });
    expect(table.stdout).toMatch(/^error {4}cluster: no quorum[\s\S]*\n1 member asked: 2 errors,/);
    expect(json).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      exitCode: 2,
      findings: [{ subject: 'cluster' }, { subject: 'm0', severity: 'error' }],
    });
  });

  test('takes its settings from the environment, too', async () => {
    const { code, stdout } = await etcdLb(['check'], { ETCD_LB_ENDPOINTS: 'm7=127.0.0.1:1' });
    expect(code).toBe(2);
    expect(stdout).toContain('m7: cannot be reached');
  });

  test('tells its exit codes', async () => {
    const { code, stdout } = await etcdLb(['check', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Exit codes:\n {2}0 .*note\n {2}1 .*warning\n {2}2 .*error/);
    expect(stdout).toContain('--json');
  });
});
