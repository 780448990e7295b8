/**
 * The plan: what is written, each value with its reason.
 *
 *   Node + Members + certificates + taken ports ──► Plan ──► configuration.ts, pod.ts, unit.ts, steps.ts
 *
 * Pure.
 */
import { type Endpoint, formatEndpoint } from '../config/values/endpoint.ts';
import type { CertificateFiles } from './certificates.ts';
import type { Members } from './members.ts';
import { balancerOf, claimedPorts, type FileMode, type Node } from './node/node.ts';

/** What is written: the configuration, alone or with what starts it: a manifest for the kubelet, or a unit. */
export const forms = ['config', 'static-pod', 'systemd'] as const;
export type Form = (typeof forms)[number];

export const configFile = '/etc/etcd-lb/etcd-lb.yaml';

/** A port of 127.0.0.1, and the reason as a sentence. */
interface ChosenPort {
  readonly port: number;
  readonly why: string;
}

export interface Plan {
  readonly form: Form;
  /** Where clients connect, and where metrics and status are. */
  readonly listen: ChosenPort;
  readonly observe: ChosenPort;
  readonly members: Members;
  readonly certificates: CertificateFiles;
  /** The permissions of the key. */
  readonly keyMode: FileMode | undefined;
  /** What clients write, such as https://127.0.0.1:12379. */
  readonly url: string;
  /** Is kube-apiserver on this node, and does it go to `url` already? */
  readonly apiserver: 'none' | 'elsewhere' | 'here';
  /** What a person has to know, as sentences. */
  readonly notes: readonly string[];
}

export interface PlanInput {
  readonly form: Form;
  readonly node: Node;
  readonly members: Members;
  readonly certificates: CertificateFiles;
  readonly scheme: Endpoint['scheme'];
  /** The members that run on this node. */
  readonly here: readonly Endpoint[];
  /** Ports among `candidatePorts` that something listens on. */
  readonly taken: ReadonlySet<number>;
}

const range = (first: number): number[] => Array.from({ length: 20 }, (_, index) => first + index);
const clientPorts = { alone: [2379, ...range(12_379)], stacked: range(12_379) } as const;
const observePorts = range(9379);

/** Every port that may be chosen. */
export function candidatePorts({ apiserver }: Node): number[] {
  const pointed = apiserver?.servers.map(({ port }) => port) ?? [];
  return [...clientPorts.alone, ...observePorts, ...pointed];
}

export function planFor(input: PlanInput): Plan {
  const { form, node, members, certificates, scheme, here, taken } = input;
  const pointed = balancerOf(node, here);
  const claimed = claimedPorts(node);
  const isTaken = (port: number): boolean => taken.has(port) || claimed.has(port);
  const listen = clientPort(input, isTaken);
  const observe = firstFree(observePorts, isTaken);
  const key = certificates.key?.path;
  return {
    form,
    listen,
    observe: {
      port: observe,
      why: `Metrics, readiness and status, for this node only; add an address of this node for Prometheus.${passedOver(observePorts, observe)}`,
    },
    members,
    certificates,
    keyMode: key === undefined ? undefined : node.files.get(key),
    url: formatEndpoint({ name: '', scheme, host: '127.0.0.1', port: listen.port }),
    apiserver: node.apiserver === undefined ? 'none' : pointed ? 'here' : 'elsewhere',
    notes: [
      ...members.notes,
      ...(pointed && taken.has(pointed.port)
        ? [
            `Something listens on 127.0.0.1:${pointed.port} already, which kube-apiserver uses: etcd-lb cannot start before that has ended.`,
          ]
        : []),
    ],
  };
}

function clientPort({ node, here }: PlanInput, isTaken: (port: number) => boolean): ChosenPort {
  const pointed = balancerOf(node, here);
  const isStacked = here.length > 0;
  if (pointed !== undefined) {
    const url = formatEndpoint(pointed);
    return {
      port: pointed.port,
      why: `Where clients connect: kube-apiserver goes to ${url} already (kube-apiserver.yaml: --etcd-servers).`,
    };
  }
  const ports = isStacked ? clientPorts.stacked : clientPorts.alone;
  const port = firstFree(ports, isTaken);
  const { etcd } = node;
  const own = etcd?.clientUrls.length
    ? ` (etcd.yaml: --listen-client-urls=${etcd.clientUrls.join()})`
    : '';
  const reason = isStacked
    ? ` Not at ${here[0]?.port}, the port of the member on this node${own}.`
    : ' The usual port of etcd: no member runs on this node.';
  return { port, why: `Where clients connect.${reason}${passedOver(ports, port)}` };
}

function firstFree(ports: readonly number[], isTaken: (port: number) => boolean): number {
  const [first = 0] = ports;
  return ports.find((port) => !isTaken(port)) ?? first;
}

/** ` 9379 is in use.` */
function passedOver(ports: readonly number[], chosen: number): string {
  const passed = ports.slice(0, ports.indexOf(chosen));
  if (passed.length === 0) return '';
  return ` ${passed.join(', ')} ${passed.length === 1 ? 'is' : 'are'} in use: if by an etcd-lb started by hand, end it and run init again.`;
}
