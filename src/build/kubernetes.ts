/**
 * `npm run kubernetes`: the manifests of config/kubernetes that follow from other files, so that they cannot differ.
 *
 *   config/prometheus/alerts.yaml     ──► monitoring/prometheus-rule.yaml
 *   config/kubernetes/etcd-lb.yaml    ──► daemonset/etcd-lb.yaml
 *
 * Text is moved as it is, deeper in, so comments go along.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const config = join(import.meta.dirname, '../../config');

/** The manifests by their paths in config/kubernetes. */
export function manifests(): Readonly<Record<string, string>> {
  return {
    'monitoring/prometheus-rule.yaml': prometheusRule(),
    'daemonset/etcd-lb.yaml': daemonSet(),
  };
}

function prometheusRule(): string {
  const alerts = readFileSync(join(config, 'prometheus/alerts.yaml'), 'utf8');
  return `# Made from config/prometheus/alerts.yaml by npm run kubernetes: change that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: etcd-lb
  namespace: kube-system
spec:
${indented(part(alerts, 'groups:\n'), 2)}`;
}

/** The static pod, on all control-plane nodes. */
function daemonSet(): string {
  const pod = readFileSync(join(config, 'kubernetes/etcd-lb.yaml'), 'utf8');
  const spec = part(pod, 'spec:\n');
  const metadata = part(pod, 'metadata:\n').slice(0, -spec.length);
  return `# Made from config/kubernetes/etcd-lb.yaml by npm run kubernetes: change that.
apiVersion: apps/v1
kind: DaemonSet
${metadata}spec:
  selector:
    matchLabels:
      component: etcd-lb
  updateStrategy:
    type: RollingUpdate
    rollingUpdate:
      # One node at a time: where a balancer is replaced nobody listens for a moment.
      maxUnavailable: 1
  template:
    metadata:
${indented(part(metadata, '  labels:\n'), 4)}${indented(observingEachNode(spec), 4)}      nodeSelector:
        node-role.kubernetes.io/control-plane: ""
      tolerations:
        - operator: Exists
`;
}

/** A static pod has the address of one node, where a DaemonSet needs that of each. */
function observingEachNode(spec: string): string {
  const observe = /^(?: *#.*\n)* *- --observe=(127\.0\.0\.1:9379)\S*\n/m;
  const ports = /^ *ports:\n/m;
  if (!observe.test(spec) || !ports.test(spec))
    throw new Error('The pod has no --observe or no ports.');
  return spec
    .replace(
      observe,
      `        # The first for the probes below, the second for Prometheus; with IPv6 [$(NODE_ADDRESS)]:9379.
        - --observe=$1,$(NODE_ADDRESS):9379
`.replaceAll('$(', '$$('),
    )
    .replace(
      ports,
      `      env:
        - name: NODE_ADDRESS
          valueFrom: { fieldRef: { fieldPath: status.hostIP } }
$&`,
    );
}

/** The text from a line on. Throws when it has no such line. */
function part(text: string, line: string): string {
  const [, ...after] = `\n${text}`.split(`\n${line}`);
  if (after.length !== 1) throw new Error(`Not one line ${line.trim()} is in this:\n${text}`);
  return line + after[0];
}

function indented(text: string, spaces: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces));
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(manifests())) {
    writeFileSync(join(config, 'kubernetes', path), text);
  }
}
