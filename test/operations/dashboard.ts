/**
 * config/grafana/etcd-lb.json as data: its panels and what they ask for. Grafana fills variables into
 * queries before it sends them; so does this.
 */
import dashboard from '../../config/grafana/etcd-lb.json' with { type: 'json' };

export { dashboard };

export interface Target {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly expr: string;
  readonly legendFormat: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: Target['datasource'];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

export const panels: readonly Panel[] = dashboard.panels;
export const variables: readonly Variable[] = dashboard.templating.list;

export const annotations = dashboard.annotations.list;

/** Every query of every panel, with its panel's title. */
export const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ refId, expr }) => ({ title, refId, expr })),
);

/** The values of variables, in place of `$name`. Throws for one that has none. */
export function filledIn(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no variable $${name}: ${expr}`);
    return value;
  });
}
