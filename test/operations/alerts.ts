/**
 * config/prometheus/ as data: the rules of alerts.yaml, and the tests of alerts.test.yaml. What they mean is
 * for promtool and Prometheus to say; here they are only read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const prometheusFolder = join(import.meta.dirname, '../../config/prometheus');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A rule that names the result of an expression. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
}

/** One `promtool test rules` test. */
export interface RuleTest {
  readonly name: string;
  readonly input_series: readonly { readonly series: string }[];
  readonly alert_rule_test: readonly {
    readonly alertname: string;
    readonly exp_alerts?: readonly unknown[];
  }[];
}

const { groups } = read('alerts.yaml') as {
  readonly groups: readonly { readonly rules: readonly (Alert | Recording)[] }[];
};
const rules = groups.flatMap((group) => group.rules);

export const alerts = rules.filter((rule) => 'alert' in rule);
export const recordings = rules.filter((rule) => 'record' in rule);
export const ruleTests = (read('alerts.test.yaml') as { readonly tests: readonly RuleTest[] })
  .tests;

/** Any file of the folder. */
export function read(file: string): unknown {
  return parse(readFileSync(join(prometheusFolder, file), 'utf8'));
}

/** Names of our metrics, and of Node's and the process's, in a PromQL expression. */
export function metricsIn(expr: string): string[] {
  return [...new Set(expr.match(/\b(?:etcd_lb|process|nodejs)[a-z0-9_:]+\b/g))];
}
