/**
 * Every alert has what an operator needs: words, a first command, a page that goes on from there, and tests in
 * both directions. What promtool and a real Prometheus make of the files is prometheus.test.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { options } from '../../src/config/options.ts';
import { etcdLb } from '../support/balancer.ts';
import { alerts, prometheusFolder, ruleTests } from './alerts.ts';

const repository = 'https://github.com/etcd-lb/etcd-lb';
const page = 'docs/alerts.md';
const [introduction = '', ...sections] = readFileSync(
  join(import.meta.dirname, '../..', page),
  'utf8',
).split(/^## /m);
/** What a description ends with; the command stands in backticks. */
const firstCommand = /First(?:, [A-Za-z ]+)?: `([^`]+)`\.$/;

describe.each(alerts)('$alert', ({ alert, for: patience, labels, annotations }) => {
  test('has a severity, a time to wait, and words that say what, and what to type first', () => {
    expect(alert).toMatch(/^EtcdLb[A-Z][A-Za-z]+$/);
    expect(patience).toMatch(/^\d+[mh]$/);
    expect(['critical', 'warning']).toContain(labels['severity']);
    expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url']);
    for (const text of Object.values(annotations)) expect(text).toMatch(/^[^\n]{20,400}$/);
    expect(annotations['summary']).toMatch(/\.$/);
    expect(annotations['description']).toMatch(firstCommand);
  });

  test('has a section of the page that its runbook_url names, with its severity', () => {
    expect(annotations['runbook_url']).toBe(
      `${repository}/blob/main/${page}#${alert.toLowerCase()}`,
    );
    const section = sections.find((each) => each.startsWith(`${alert}\n`));
    const leads = section?.match(/(?<=\*\*)(What .*)(?=\.\*\*)/g);
    expect(leads).toEqual(['What it means', 'What to look at first', 'What to do']);
    expect(section).toContain(`\n\n*${labels['severity']}.* **What it means.** `);
  });

  test('is tested to fire, not to fire too early, and not in a healthy cluster', () => {
    const [healthy, ...others] = ruleTests;
    expect(healthy?.alert_rule_test).toContainEqual({ alertname: alert, eval_time: '90m' });
    const own = others.flatMap((each) => each.alert_rule_test);
    const looks = own.filter(({ alertname }) => alertname === alert);
    expect(looks.filter(({ exp_alerts }) => exp_alerts !== undefined)).not.toEqual([]);
    expect(looks.filter(({ exp_alerts }) => exp_alerts === undefined)).not.toEqual([]);
  });
});

describe(page, () => {
  test('has a section for each alert, in their order, and no other', () => {
    expect(sections.map((section) => section.split('\n')[0])).toEqual(
      alerts.map(({ alert }) => alert),
    );
  });

  test('links to its own sections only where they are', () => {
    const links = [introduction, ...sections].flatMap((text) => text.match(/(?<=\(#)\w+/g) ?? []);
    const anchors = new Set(alerts.map(({ alert }) => alert.toLowerCase()));
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !anchors.has(link))).toEqual([]);
  });

  test('names only flags that there are', () => {
    const known = new Set(options.map(({ name }) => name));
    // Of etcd, etcdctl and the commands of operators.
    const others =
      /^(election-timeout|heartbeat-interval|quota-backend-bytes|cluster|endpoints|member|wait|accept-cluster)$/;
    const named = sections.flatMap((text) => text.match(/(?<=--)[a-z][a-z-]*/g) ?? []);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !known.has(name) && !others.test(name))).toEqual([]);
  });
});

test('the first commands are ones that there are', async () => {
  const commands = new Set(
    alerts.map(({ annotations }) => firstCommand.exec(annotations['description'] ?? '')?.[1] ?? ''),
  );
  const programs = [...commands].map((command) => command.split(' ')[0]);
  expect(new Set(programs)).toEqual(
    new Set(['etcd-lb', 'etcdctl', 'journalctl', 'promtool', 'top']),
  );
  const ours = [...commands].flatMap((command) => /^etcd-lb (\S+)/.exec(command)?.[1] ?? []);
  const helps = await Promise.all([...new Set(ours)].map((name) => etcdLb([name, '--help'])));
  expect(helps.map(({ code }) => code)).toEqual(helps.map(() => 0));
  for (const [index, { stdout }] of helps.entries()) {
    expect(stdout).toContain(`etcd-lb ${[...new Set(ours)][index]}`);
  }
});

test('each file says how it is tried', () => {
  for (const file of ['alerts.yaml', 'alerts.test.yaml', 'prometheus.yaml']) {
    expect(readFileSync(join(prometheusFolder, file), 'utf8')).toContain(file);
  }
});
