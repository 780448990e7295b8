/**
 * A real Prometheus with the configuration we ship: config/prometheus/prometheus.yaml with other targets and
 * shorter intervals, and the alert rules as they are. Its data lies in a temporary folder and goes with it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts } from '../../src/demo/free-ports.ts';
import { Child } from '../machine/child.ts';
import { Folder } from '../machine/folder.ts';
import { findPrometheus } from '../machine/programs.ts';
import { prometheusFolder, read } from './alerts.ts';

/** One series of the answer to a query; a sample is its time and its value as text. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface RuleState {
  readonly name: string;
  readonly health: 'ok' | 'unknown' | 'err';
  readonly lastError?: string;
}

export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  /** Of the expression. */
  readonly value: string;
}

/** Between two scrapes, and between two looks at the rules. */
const interval = '500ms';

/** What is read of prometheus.yaml. */
export interface Configuration {
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
}

export class PrometheusServer implements AsyncDisposable {
  readonly #parts: AsyncDisposableStack;
  readonly #url: string;

  /** Starts one that scrapes these `host:port`s; resolves when it answers queries. */
  static async start(targets: readonly string[]): Promise<PrometheusServer> {
    const { path, env } = await findPrometheus();
    await using parts = new AsyncDisposableStack();
    const folder = parts.use(new Folder()).path;
    const file = join(folder, 'prometheus.yaml');
    writeFileSync(file, stringify(configuration(targets)));
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const command = [path, '--config.file', file, '--storage.tsdb.path', join(folder, 'data')];
    const child = parts.use(
      new Child('prometheus', [...command, '--web.listen-address', address], { env }),
    );
    await child.until('ready', async () => {
      const answer = await fetch(`http://${address}/-/ready`).catch(() => undefined);
      return answer?.ok || undefined;
    });
    return new PrometheusServer(parts.move(), `http://${address}/api/v1`);
  }

  private constructor(parts: AsyncDisposableStack, url: string) {
    this.#parts = parts;
    this.#url = url;
  }

  /** What the expression is at this moment. Throws with Prometheus' words when it is wrong. */
  async query(expr: string): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: Series[] }>(
      `/query?query=${encodeURIComponent(expr)}`,
    );
    return result;
  }

  /** The values of a label on the series that `selector` selects. */
  async valuesOf(label: string, selector: string): Promise<readonly string[]> {
    return await this.#ask(`/label/${label}/values?match[]=${encodeURIComponent(selector)}`);
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = await this.#ask<{ groups: { rules: RuleState[] }[] }>('/rules');
    return groups.flatMap(({ rules }) => rules);
  }

  /** Alerts whose condition is met, whether for long enough or not. */
  async activeAlerts(): Promise<readonly ActiveAlert[]> {
    return (await this.#ask<{ alerts: ActiveAlert[] }>('/alerts')).alerts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #ask<T>(path: string): Promise<T> {
    const answer = await (await fetch(this.#url + path)).json();
    const { status, data, error } = answer as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(error);
    return data;
  }
}

/** The one we ship, for other targets and in a hurry. */
function configuration(targets: readonly string[]): unknown {
  const shipped = read('prometheus.yaml') as Configuration;
  return {
    ...shipped,
    global: { scrape_interval: interval, evaluation_interval: interval },
    rule_files: [join(prometheusFolder, 'alerts.yaml')],
    scrape_configs: shipped.scrape_configs.map((job) => ({
      ...job,
      static_configs: job.static_configs.map((group) => ({ ...group, targets })),
    })),
  };
}
