/**
 * The one table of settings. Flags, environment variables, file keys, the README's table and the
 * example file all follow from it: a new setting is a row here and a field in settings.ts.
 *
 * Owns each setting's name, grammar, help text and default. The rules between settings are rules.ts.
 */

import { parseHostName } from '../lib/net/host-port.ts';
import {
  discoveries,
  logFormats,
  logLevels,
  policies,
  type Settings,
  tlsModes,
} from './settings.ts';
import * as shapes from './shapes.ts';
import { parseCheckUrl, parseDomain, parseMemberNumber } from './values/endpoint.ts';
import { parseAdminSocket, parseListenAddress, parseTcpAddress } from './values/listen.ts';
import { parseOwner } from './values/owner.ts';
import { parseSize } from './values/size.ts';

/**
 * The settings, each parsed by itself. Certificates are still paths and endpoints still words, since
 * both depend on other settings.
 */
export interface Values
  extends Omit<
    Settings,
    'certificates' | 'certificateFiles' | 'endpoints' | 'etcdUser' | 'configFile' | 'name'
  > {
  readonly name?: string;
  readonly config?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** A path, or the word `none`. */
  readonly clientCa?: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly endpoints: readonly string[];
}

/** Of the settings, in the order of a usage text. */
export const groups = [
  'members',
  'clients',
  'TLS to clients',
  'TLS to members',
  'health checks',
  'balancing',
  'limits',
  'snapshots',
  'observability',
  'process',
] as const;

export type Group = (typeof groups)[number];

interface Row<T> {
  /** What stands for the value in a usage text, such as `DURATION`. */
  readonly placeholder: string;
  /** As somebody would write it; absent for none. */
  readonly default?: string;
  /** One sentence. */
  readonly help: string;
  /** Does it take several values, as one list or repeated? */
  readonly list?: true;
  /** The words that it takes, if it takes only some, for completion. */
  readonly choices?: readonly string[];
  /** From the text, or texts, to the value. */
  readonly shape: shapes.Shape<T>;
  /** Is it only read at the start, so that a reload cannot change it? */
  readonly fixed?: true;
  /** Is it one of the ten that a short help shows? */
  readonly isEssential?: true;
}

export interface OptionSpec extends Row<unknown> {
  /** The flag without `--`, and the key in the file. */
  readonly name: string;
  readonly key: keyof Values;
  readonly group: Group;
}

/** Columns that go together in several rows. */
const onOrOff = { placeholder: 'on|off', choices: ['on', 'off'], shape: shapes.onOrOff };
const file = { placeholder: 'FILE', shape: shapes.word };
const duration = { placeholder: 'DURATION', shape: shapes.duration };
const durationOrZero = { placeholder: 'DURATION', shape: shapes.durationOrZero };
const count = { placeholder: 'COUNT', shape: shapes.count };
const countOrZero = { placeholder: 'COUNT', shape: shapes.countOrZero };

/** A row that takes one of these words. */
const oneOf = <const T extends readonly string[]>(choices: T) => ({
  ...{ choices, shape: shapes.oneOf(choices) },
});

type Table = { readonly [Key in keyof Values]-?: Row<Values[Key]> };

const table: Grouped<Table> = {
  ...inGroup('members', {
    endpoints: {
      placeholder: 'URLS',
      isEssential: true,
      help: "The etcd members' client URLs, or host:port; name=URL gives one a name.",
      list: true,
      shape: shapes.words,
    },
    discovery: {
      placeholder: 'KIND',
      default: 'static',
      isEssential: true,
      help: 'Who the members are: static (the endpoints), or members (those that the cluster lists; the endpoints are asked first).',
      ...oneOf(discoveries),
      fixed: true,
    },
    discoverySrv: {
      placeholder: 'DOMAIN',
      help: 'Domain whose SRV records name endpoints: _etcd-client-ssl._tcp, or else _etcd-client._tcp.',
      shape: shapes.grammar(parseDomain),
      fixed: true,
    },
  }),
  ...inGroup('clients', {
    listen: {
      placeholder: 'ADDRESS',
      default: '127.0.0.1:2379',
      isEssential: true,
      help: 'Where clients connect: host:port, :port for every address, or unix:/path.',
      list: true,
      shape: shapes.list(parseListenAddress),
      fixed: true,
    },
    reusePort: {
      ...onOrOff,
      default: 'off',
      help: 'Share the TCP addresses with other etcd-lb processes that set this too; the kernel spreads connections.',
      fixed: true,
    },
    socketMode: {
      placeholder: 'MODE',
      default: '0660',
      help: 'Permissions of Unix sockets, in octal.',
      shape: shapes.mode,
      fixed: true,
    },
    socketOwner: {
      placeholder: 'USER:GROUP',
      help: 'Owner of Unix sockets: names or numbers, either may be left out.',
      shape: shapes.grammar(parseOwner),
      fixed: true,
    },
    keepalive: {
      placeholder: 'DURATION',
      default: '15s',
      help: 'Idle time before TCP keepalive probes to clients and members; 0 for none.',
      shape: shapes.keepalive,
      fixed: true,
    },
    drainTimeout: {
      ...durationOrZero,
      default: '10s',
      help: 'How long clients have to leave at shutdown, or when their member is removed or drained; 0 closes them at once.',
    },
  }),
  ...inGroup('TLS to clients', {
    tls: {
      placeholder: 'MODE',
      default: 'passthrough',
      isEssential: true,
      help: 'passthrough leaves TLS to clients and members; terminate speaks it with clients; originate takes plain clients to https members.',
      ...oneOf(tlsModes),
      fixed: true,
    },
    tlsCert: {
      ...file,
      help: 'Certificate (PEM) that clients see under --tls terminate, followed by its issuers.',
    },
    tlsKey: {
      ...file,
      help: 'Private key (PEM) of --tls-cert.',
    },
    clientCa: {
      ...file,
      help: 'Authorities (PEM) that must have signed client certificates under --tls terminate, or the word none: clients need no certificate.',
    },
    allowClient: {
      placeholder: 'NAMES',
      help: 'A client certificate must carry one of these names, as common name or alternative name; any will do if not given.',
      list: true,
      shape: shapes.words,
    },
    plaintextTcp: {
      ...onOrOff,
      default: 'off',
      help: 'Listen on TCP under --tls originate too: whoever can connect can then use the cluster without a certificate.',
      fixed: true,
    },
  }),
  ...inGroup('TLS to members', {
    cacert: {
      ...file,
      isEssential: true,
      help: 'Authorities (PEM) trusted for members, by health checks and by traffic whose TLS is ours; those of the system if not given.',
    },
    cert: {
      ...file,
      isEssential: true,
      help: 'Our client certificate (PEM) for members that ask for one, in health checks and in traffic whose TLS is ours.',
    },
    key: {
      ...file,
      isEssential: true,
      help: 'Private key (PEM) of --cert.',
    },
    serverName: {
      placeholder: 'NAME',
      help: "Name that the certificate of every https member must carry, instead of the member's own host.",
      shape: shapes.grammar(parseDomain),
    },
  }),
  ...inGroup('health checks', {
    checkUrl: {
      placeholder: 'URL',
      help: "Where members are checked if not at their endpoint, such as http://{host}:2381 for etcd's --listen-metrics-urls.",
      shape: shapes.grammar(parseCheckUrl),
    },
    checkInterval: {
      ...duration,
      default: '1s',
      help: 'Time between two checks of a healthy member.',
    },
    checkFastInterval: {
      ...duration,
      default: '250ms',
      help: 'Time between two checks of a member in doubt.',
    },
    checkTimeout: {
      ...duration,
      default: '700ms',
      help: 'How long a check may take before it counts as failed.',
    },
    checkRise: {
      ...count,
      default: '2',
      help: 'Passed checks in a row before a withdrawn member gets new connections again.',
    },
    checkFall: {
      ...count,
      default: '2',
      help: "Failed checks in a row before a member's connections are closed, if another is healthy.",
    },
    suspectAfter: {
      ...duration,
      default: '250ms',
      help: 'How long a member may owe its clients an answer and send nothing to any of them, before all members are checked at once.',
    },
    inspectInterval: {
      ...durationOrZero,
      default: '10s',
      help: "Time between two polls of a member's status over gRPC, such as who leads; 0 for none.",
    },
    user: {
      placeholder: 'NAME',
      help: "One of etcd's own users, for polls of a member's status where etcd requires one.",
      shape: shapes.word,
    },
    passwordFile: {
      ...file,
      help: 'File with the password of --user.',
    },
    maxLag: {
      ...countOrZero,
      default: '10000',
      help: 'Log entries a member may be behind the leader and still get new connections; 0 for any number.',
    },
  }),
  ...inGroup('balancing', {
    balance: {
      placeholder: 'POLICY',
      default: 'least-connections',
      isEssential: true,
      help: 'How a member is chosen: least-connections, least-calls (plain HTTP/2 only), round-robin, random, leader or nearest.',
      ...oneOf(policies),
    },
    weight: {
      placeholder: 'NAME=NUMBER',
      help: "A member's share of connections against the others', such as cp1=2; 1 for those not named.",
      list: true,
      shape: shapes.listOrNone(parseMemberNumber(1)),
    },
    priority: {
      placeholder: 'NAME=NUMBER',
      help: "A member's class, such as cp2=1: the lowest with a healthy member serves; 0 for those not named.",
      list: true,
      shape: shapes.listOrNone(parseMemberNumber(0)),
    },
    slowStart: {
      ...durationOrZero,
      default: '5s',
      help: 'How long a member that comes back takes to get its full share of new connections; 0 for none.',
    },
    rebalance: {
      ...countOrZero,
      default: '2',
      help: "How far members' numbers of sessions may differ before some are moved (least-connections, least-calls, leader); 0 moves none.",
    },
    maxSessionAge: {
      ...durationOrZero,
      default: '0',
      help: 'Age from which rebalancing may move an opaque session although it is never quiet; 0 for never.',
    },
    followCalls: {
      ...onOrOff,
      default: 'on',
      help: 'Where bytes are plain HTTP/2, follow the calls in them: to move clients without cutting one, and to count them.',
    },
    hold: {
      ...durationOrZero,
      default: '4s',
      help: "Longest time for which what clients send is held while the cluster's leader is lost; 0 holds nothing.",
    },
    dialTimeout: {
      ...duration,
      default: '5s',
      help: 'How long a client is held while members are dialled, all attempts together.',
    },
    dialRaceAfter: {
      ...duration,
      default: '250ms',
      help: 'How long one member is dialled alone before a second one is dialled beside it.',
    },
  }),
  ...inGroup('limits', {
    maxConnections: {
      ...count,
      default: '10000',
      help: 'Client connections at a time; more are refused.',
    },
    maxSourceShare: {
      placeholder: 'PERCENT',
      default: '90%',
      help: 'How much of --max-connections one address may take up, so that others get in; 100% for all. Unix sockets are not counted.',
      shape: shapes.percent,
    },
    firstByteTimeout: {
      ...durationOrZero,
      default: '1m',
      help: 'How long a client may be connected without sending anything before it is closed; 0 for no limit.',
    },
  }),
  ...inGroup('snapshots', {
    snapshotDir: {
      placeholder: 'DIRECTORY',
      help: 'Where snapshots of etcd are saved on a schedule; none are if not given.',
      shape: shapes.word,
    },
    snapshotEvery: {
      ...duration,
      default: '6h',
      help: 'Time between two snapshots; of several balancers of a cluster one takes each.',
    },
    snapshotKeep: {
      ...count,
      default: '28',
      help: 'How many snapshots are kept in --snapshot-dir; older ones are removed.',
    },
    snapshotMaxRate: {
      placeholder: 'SIZE',
      default: '40MB',
      help: 'Take at most this much of a snapshot a second: more makes calls slower where members and balancer share a host.',
      shape: shapes.grammar(parseSize),
    },
  }),
  ...inGroup('observability', {
    name: {
      placeholder: 'NAME',
      help: 'What this balancer is called on the status page, in status and in metrics; the host name if not given.',
      shape: shapes.line,
      fixed: true,
    },
    observe: {
      placeholder: 'ADDRESS',
      default: '127.0.0.1:9379',
      isEssential: true,
      help: 'Where metrics, readiness and status are served: host:port, several of them, or off.',
      list: true,
      shape: shapes.listOrOff(parseTcpAddress),
      fixed: true,
    },
    observeNames: {
      placeholder: 'NAMES',
      help: 'Host names under which the status page is served, beside IP addresses, localhost and the host of --observe.',
      list: true,
      shape: shapes.listOrNone(parseHostName),
      fixed: true,
    },
    logLevel: {
      placeholder: 'LEVEL',
      default: 'info',
      help: 'The lowest level that is logged: trace, debug, info, warn or error.',
      ...oneOf(logLevels),
    },
    logFormat: {
      placeholder: 'FORMAT',
      default: 'auto',
      help: 'json, pretty, or auto: JSON on a pipe and readable on a terminal.',
      ...oneOf(logFormats),
      fixed: true,
    },
  }),
  ...inGroup('process', {
    config: {
      ...file,
      isEssential: true,
      help: 'YAML file with any of the other settings; flags and environment override it.',
    },
    watchConfig: {
      ...onOrOff,
      default: 'off',
      help: 'Reload when the configuration file changes, as on SIGHUP.',
      fixed: true,
    },
    stateDir: {
      placeholder: 'DIRECTORY',
      help: 'Directory for what must survive a restart: drains, a pause, the known cluster, and the last good list of discovered members.',
      shape: shapes.word,
      fixed: true,
    },
    adminSocket: {
      placeholder: 'PATH',
      default: 'auto',
      help: 'Unix socket for status, drain, reload and the like: a path, off, or auto (/run/etcd-lb/admin.sock if it can be opened).',
      shape: shapes.grammar(parseAdminSocket),
      fixed: true,
    },
  }),
};

/** Every setting, in the order of a usage text. `--config` is the only one a file cannot have. */
export const options: readonly OptionSpec[] = Object.entries(table).map(([key, row]) => ({
  name: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  key: key as keyof Values,
  ...row,
}));

type Grouped<Rows> = { readonly [Key in keyof Rows]: Rows[Key] & { readonly group: Group } };

function inGroup<Rows extends Partial<Table>>(group: Group, rows: Rows): Grouped<Rows> {
  const grouped = Object.entries(rows).map(([key, row]) => [key, { ...row, group }]);
  return Object.fromEntries(grouped) as Grouped<Rows>;
}

/** `check-interval` to `ETCD_LB_CHECK_INTERVAL`. */
export function envName(name: string): string {
  return `ETCD_LB_${name.replaceAll('-', '_').toUpperCase()}`;
}
