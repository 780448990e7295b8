/**
 * Every alert has what an operator needs, and tests in both directions. What promtool and a real Prometheus
 * make of the files is prometheus.test.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alerts, prometheusFolder, ruleTests } from './alerts.ts';

describe.each(alerts)('$alert', ({ alert, for: patience, labels, annotations }) => {
  test('has a severity, a time to wait, and words that say what and what to do', () => {
    expect(alert).toMatch(/^EtcdLb[A-Z][A-Za-z]+$/);
    expect(patience).toMatch(/^\d+[mh]$/);
    expect(['critical', 'warning']).toContain(labels['severity']);
    expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook']);
    for (const text of Object.values(annotations)) expect(text).toMatch(/^[^\n]{20,400}[.?]$/);
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

test('each file says how it is tried', () => {
  for (const file of ['alerts.yaml', 'alerts.test.yaml', 'prometheus.yaml']) {
    expect(readFileSync(join(prometheusFolder, file), 'utf8')).toContain(file);
  }
});
