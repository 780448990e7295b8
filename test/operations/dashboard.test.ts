/**
 * The form of the Grafana dashboard: what an import needs, and what people need who read it. That its
 * queries have data is prometheus.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { annotations, dashboard, panels, queries, variables } from './dashboard.ts';

const withData = panels.filter(({ type }) => type !== 'row');

test('can be imported as it is', () => {
  expect(dashboard).not.toHaveProperty('id');
  expect(dashboard).not.toHaveProperty('__inputs');
  expect(dashboard.uid).toBe('etcd-lb');
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
  expect(variables.map(({ name }) => name)).toEqual(['datasource', 'cluster', 'job', 'instance']);
});

test('every panel lies on the grid of 24 columns, and none on another', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x} ${y}`), `${title} at ${x}, ${y}`).toBeUndefined();
        taken.set(`${x} ${y}`, title);
      }
    }
  }
});

describe.each(withData)('$title', ({ description, datasource, fieldConfig, targets = [] }) => {
  test('has a description, a unit, and queries with legends to the chosen data source', () => {
    expect(description).toMatch(/^[A-Z].{20,}\.$/);
    expect(fieldConfig?.defaults.unit).toMatch(/^[A-Za-z]+$/);
    expect(targets.length).toBeGreaterThan(0);
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    if (targets.length > 1)
      for (const { legendFormat } of targets) expect(legendFormat).not.toBe('');
    for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own spelling
      expect(source).toEqual({ type: 'prometheus', uid: '${datasource}' });
    }
  });
});

test('elections, drains and reloads are marked in all panels', () => {
  expect(annotations.map(({ name }) => name)).toEqual(['Elections', 'Drains', 'Reloads']);
  for (const { datasource, enable, titleFormat } of annotations) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own spelling
    expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
    expect(enable).toBe(true);
    expect(titleFormat).not.toBe('');
  }
});

test('what is rare is counted, not told as thousandths a second', () => {
  const often = /bytes|calls|cpu|_bucket|_count/;
  const rates = queries.flatMap(({ expr }) => expr.match(/(?<!\w)rate\(\w+/g) ?? []);
  expect(rates.length).toBeGreaterThan(0);
  expect(rates.filter((rate) => !often.test(rate))).toEqual([]);
});

test('every query is for the chosen cluster and balancers', () => {
  for (const { expr } of [...queries, ...annotations]) {
    const selectors = expr.match(/\{[^}]*\}/g) ?? [];
    expect(selectors.length, expr).toBeGreaterThan(0);
    for (const selector of selectors) {
      expect(selector).toContain('cluster="$cluster", job="$job", instance=~"$instance"');
    }
  }
});
