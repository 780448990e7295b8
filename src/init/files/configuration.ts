/** The text of the configuration file: each setting with the reason above it. Pure. */
import { formatNamedEndpoint } from '../../config/values/endpoint.ts';
import { wrap } from '../../diagnose/report.ts';
import { isLoopback } from '../../lib/net/host-port.ts';
import { type CertificateFiles, readersOf } from '../certificates.ts';
import type { Node } from '../node/node.ts';
import { configFile, type Form, type Plan } from '../plan.ts';

/** Characters of a line. */
const width = 98;

/** How the process of each form gets to read a key that is root's alone. */
const keyAccess: Readonly<Record<Form, string>> = {
  config: 'the user that runs etcd-lb must be able to read it',
  'static-pod': 'the pod runs as root, without a single capability',
  systemd: 'systemd reads it as root, and the user etcd-lb gets a copy (the drop-in of the unit)',
};

/** @param version of this program. */
export function configurationOf(plan: Plan, { etcd }: Node, version: string): string {
  const { listen, observe, members, form } = plan;
  const blocks = [
    comment(
      `The settings of etcd-lb on this node, written by etcd-lb init ${version}. Those that are not here have their defaults: etcd-lb config --config ${configFile} shows all of them. After a change: etcd-lb reload.`,
    ),
    setting('listen', `127.0.0.1:${listen.port}`, listen.why),
    [comment(members.why + checked(etcd?.metricsUrls)), 'endpoints:', ...endpointsOf(plan)].join(
      '\n',
    ),
    ...certificatesOf(plan.certificates, `${readersOf(plan.keyMode)}; ${keyAccess[form]}`),
    setting('observe', `127.0.0.1:${observe.port}`, observe.why),
    ...(form === 'config'
      ? [
          setting(
            'state-dir',
            '/var/lib/etcd-lb',
            'Which members are drained survives a restart there.',
          ),
        ]
      : []), // the others are told it on their command line
  ];
  return `${blocks.join('\n\n')}\n`;
}

function endpointsOf({ members }: Plan): string[] {
  return members.endpoints.map(
    ({ endpoint, why }) => `  - ${scalar(formatNamedEndpoint(endpoint))} # ${why}`,
  );
}

/** Why there is no `check-url`. */
function checked([url]: readonly string[] = []): string {
  if (url === undefined || !URL.canParse(url)) return '';
  const { hostname, port } = new URL(url);
  const why = isLoopback(hostname.replace(/^\[|\]$/g, ''))
    ? 'which no other node can reach'
    : `which would need no certificate: check-url: http://{host}:${port}`;
  return ` They are checked there too, and not at ${url} (etcd.yaml: --listen-metrics-urls), ${why}.`;
}

function certificatesOf({ cacert, cert, key }: CertificateFiles, access: string): string[] {
  return [
    ...(cacert
      ? [
          setting(
            'cacert',
            cacert.path,
            `Who must have signed the members' certificates: ${cacert.why}.`,
          ),
        ]
      : []),
    ...(cert
      ? [
          setting(
            'cert',
            cert.path,
            `What members are shown by health checks and status polls: ${cert.why}. Clients keep their own, which pass through.`,
          ),
        ]
      : []),
    ...(key ? [setting('key', key.path, `${sentence(key.why)}: ${access}.`)] : []),
  ];
}

function setting(name: string, value: string, why: string): string {
  return `${comment(why)}\n${name}: ${scalar(value)}`;
}

function comment(text: string): string {
  return wrap(text, width)
    .map((line) => `# ${line}`)
    .join('\n');
}

function sentence(clause: string): string {
  return clause.charAt(0).toUpperCase() + clause.slice(1);
}

/** YAML needs quotes around anything unusual. */
function scalar(text: string): string {
  return /^[\w/][\w./=[\]-]*(?::[\w./=[\]-]+)*$/.test(text) ? text : JSON.stringify(text);
}
