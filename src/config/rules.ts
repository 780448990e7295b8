/**
 * The rules between settings. Each setting alone is already parsed (options.ts).
 *
 * A rule names the setting to change, and the others with their origin, since they may be defaults
 * that nobody wrote.
 */

import { formatHostPort } from '../lib/net/host-port.ts';
import { SettingError } from '../lib/setting-error.ts';
import { overlap, reaches, thisMachine } from './collision.ts';
import type { Settings } from './settings.ts';
import { formatDuration } from './values/duration.ts';
import { type Endpoint, formatEndpoint } from './values/endpoint.ts';
import { formatListenAddress, type ListenAddress } from './values/listen.ts';
import { mention, type Origin } from './values/origin.ts';

interface Rule {
  /** The setting to change, in kebab-case. */
  readonly setting: string;
  /** What is wrong and how to fix it, as the message of a `SettingError`; falsy if nothing is wrong. */
  readonly fault: (settings: Settings, named: Named) => string | false | undefined;
}

/** `--check-interval 1s (default)` from `check-interval 1s`: the first word is the setting's name. */
type Named = (what: string) => string;

/**
 * In a hold the keepalives of clients are not answered. gRPC sends one after 10 s at the earliest
 * (grpc.keepalive_time_ms of the Go client), and closes the connection some seconds later.
 */
const longestHold = 10_000;

const rules: readonly Rule[] = [
  {
    setting: 'endpoints',
    fault: ({ endpoints, discoverySrv }) =>
      endpoints.length === 0 &&
      discoverySrv === undefined &&
      'no etcd member is named; write their addresses, such as http://10.0.0.1:2379,http://10.0.0.2:2379',
  },
  { setting: 'endpoints', fault: twoSchemes },
  { setting: 'endpoints', fault: repeatedEndpoint },
  { setting: 'listen', fault: ({ listen }) => colliding(listen) },
  {
    setting: 'observe',
    fault: ({ listen, observe }, named) => {
      const both = observe.find((each) => listen.some((address) => collide(address, each)));
      return (
        both &&
        `${formatListenAddress(both)} is also a ${named('listen')} address; write another port, or off`
      );
    },
  },
  {
    setting: 'observe',
    fault: ({ observe }) => colliding(observe),
  },
  { setting: 'endpoints', fault: itself },
  {
    setting: 'check-fast-interval',
    fault: ({ checkInterval, checkFastInterval }, named) => {
      const longest = formatDuration(checkInterval);
      return (
        checkFastInterval > checkInterval &&
        `${formatDuration(checkFastInterval)} is longer than ${named(`check-interval ${longest}`)}; write at most ${longest}, or a longer --check-interval`
      );
    },
  },
  {
    setting: 'check-timeout',
    fault: ({ checkInterval, checkTimeout, checkFall }, named) => {
      const interval = named(`check-interval ${formatDuration(checkInterval)}`);
      return (
        checkTimeout > checkInterval * checkFall &&
        `${formatDuration(checkTimeout)} is longer than ${interval} times ${named(`check-fall ${checkFall}`)}; write at most ${formatDuration(checkInterval * checkFall)}`
      );
    },
  },
  {
    setting: 'dial-race-after',
    fault: ({ dialTimeout, dialRaceAfter }, named) =>
      dialRaceAfter >= dialTimeout &&
      `${formatDuration(dialRaceAfter)} is not below ${named(`dial-timeout ${formatDuration(dialTimeout)}`)}; write less, or a longer --dial-timeout`,
  },
  {
    // The status poll of a member brings its list of members.
    setting: 'discovery',
    fault: ({ discovery, inspectInterval }, named) =>
      discovery === 'members' &&
      inspectInterval === 0 &&
      `members are not asked for their list while ${named('inspect-interval 0')} turns polls off; write a duration there, such as 10s`,
  },
  {
    setting: 'hold',
    fault: ({ hold }) =>
      hold > longestHold &&
      `${formatDuration(hold)} is longer than clients wait for the answer to a keepalive; write ${formatDuration(longestHold)} or less`,
  },
  {
    setting: 'watch-config',
    fault: ({ watchConfig, configFile }) =>
      watchConfig &&
      configFile === undefined &&
      'there is no file to watch; write its path in --config, or leave this out',
  },
  {
    setting: 'balance',
    fault: ({ balance, followCalls }, named) =>
      balance === 'least-calls' &&
      !followCalls &&
      `least-calls counts calls, which ${named('follow-calls off')} leaves unseen; write follow-calls on, or least-connections`,
  },
  {
    setting: 'balance',
    fault: ({ balance, endpoints, tls }) =>
      balance === 'least-calls' &&
      tls === 'passthrough' &&
      endpoints.some(({ scheme }) => scheme === 'https') &&
      'least-calls counts calls, which cannot be seen in TLS that passes through; write least-connections, or another --tls',
  },
  ownCertificate('tls-cert', 'tlsCert'),
  ownCertificate('tls-key', 'tlsKey'),
  { setting: 'client-ca', fault: clientAuthorities },
  {
    setting: 'allow-client',
    fault: ({ tls, allowClient }) =>
      allowClient.length > 0 &&
      tls !== 'terminate' &&
      `no certificate of a client is seen under --tls ${tls}; leave it out, or write --tls terminate`,
  },
  {
    setting: 'allow-client',
    fault: ({ allowClient, certificates }) =>
      allowClient.length > 0 &&
      certificates.clients?.ca === undefined &&
      'clients are asked for no certificate under --client-ca none; write the path of their authorities there',
  },
  {
    setting: 'endpoints',
    fault: ({ tls, ...settings }, named) => {
      const plain = tls === 'originate' && plainEndpoint(settings);
      return (
        plain &&
        `${plain} speaks no TLS, which ${named('tls originate')} is for; write https, or --tls passthrough`
      );
    },
  },
  {
    setting: 'server-name',
    fault: ({ serverName, ...settings }) => {
      const plain = serverName !== undefined && plainEndpoint(settings);
      return (
        plain &&
        `${plain} shows no certificate that could carry ${serverName}; leave it out, or write https endpoints`
      );
    },
  },
  {
    setting: 'plaintext-tcp',
    fault: ({ tls, plaintextTcp }, named) =>
      plaintextTcp &&
      tls !== 'originate' &&
      `is for --tls originate, not for ${named(`tls ${tls}`)}; leave it out`,
  },
  { setting: 'listen', fault: openTcp },
  { setting: 'weight', fault: ({ weight, ...settings }) => strangers(weight, settings) },
  { setting: 'priority', fault: ({ priority, ...settings }) => strangers(priority, settings) },
];

/**
 * Throws `SettingError` for the first rule that is broken.
 *
 * @param originOf where the setting of a kebab-case name came from.
 */
export function checkRules(settings: Settings, originOf: (name: string) => Origin): void {
  const named: Named = (what) => mention(what, originOf(what.split(' ')[0] ?? what));
  for (const { setting, fault } of rules) {
    const reason = fault(settings, named);
    if (reason) throw new SettingError(setting, reason);
  }
}

function twoSchemes({ endpoints }: Settings): string | undefined {
  const [first] = endpoints;
  const other = endpoints.find(({ scheme }) => scheme !== first?.scheme);
  if (first === undefined || other === undefined) return undefined;
  return `${formatEndpoint(first)} and ${formatEndpoint(other)} mix http and https; write one scheme for all, since a client speaks to any of them`;
}

function repeatedEndpoint({ endpoints }: Settings): string | undefined {
  const addresses = new Map<string, Endpoint>();
  const names = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const { name } = endpoint;
    const address = formatHostPort(endpoint.host, endpoint.port);
    const twin = addresses.get(address);
    if (twin !== undefined) {
      const as = twin.name === name ? '' : `, as ${twin.name} and as ${name}`;
      return `${address} is named twice${as}; name each member once`;
    }
    const namesake = names.get(name);
    if (namesake !== undefined) {
      return `${name} is the name of both ${formatEndpoint(namesake)} and ${formatEndpoint(endpoint)}; give each member its own`;
    }
    addresses.set(address, endpoint);
    names.set(name, endpoint);
  }
  return undefined;
}

function colliding(addresses: readonly ListenAddress[]): string | undefined {
  for (const [index, address] of addresses.entries()) {
    const other = addresses.slice(0, index).find((earlier) => collide(earlier, address));
    if (other === undefined) continue;
    const [a, b] = [formatListenAddress(other), formatListenAddress(address)];
    return `${a === b ? `${a} is named twice` : `${a} and ${b} cannot both be open`}; leave one out`;
  }
  return undefined;
}

function collide(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'tcp' && b.kind === 'tcp') return overlap(a, b);
  return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path;
}

function itself({ listen, endpoints }: Settings, named: Named): string | undefined {
  const machine = thisMachine();
  const self = endpoints.find((endpoint) =>
    listen.some((address) => address.kind === 'tcp' && reaches(endpoint, address, machine)),
  );
  if (self === undefined) return undefined;
  return `${formatEndpoint(self)} is this balancer's own ${named('listen address')}; name the etcd members instead`;
}

/** A server certificate is needed where we speak TLS with clients, and refused elsewhere. */
function ownCertificate(setting: string, key: 'tlsCert' | 'tlsKey'): Rule {
  return {
    setting,
    fault: ({ tls, certificateFiles }, named) => {
      const isGiven = certificateFiles[key] !== undefined;
      if (tls !== 'terminate') return isGiven && noTls(named(`tls ${tls}`));
      return (
        !isGiven &&
        `clients must be shown a certificate under ${named('tls terminate')}; write the paths of --tls-cert and --tls-key`
      );
    },
  };
}

/** Letting everybody in must be written; leaving the setting out is an error. */
function clientAuthorities({ tls, certificateFiles }: Settings, named: Named): string | false {
  const isGiven = certificateFiles.clientCa !== undefined;
  if (tls !== 'terminate') return isGiven && noTls(named(`tls ${tls}`));
  return (
    !isGiven &&
    `${named('tls terminate')} must know whom to let in; write the path of the authorities of your clients, or none to let in everybody who can connect`
  );
}

function noTls(mode: string): string {
  return `no TLS is spoken with clients under ${mode}; leave it out, or write --tls terminate`;
}

/** The first endpoint without TLS, if any. Discovered members are checked when they are found. */
function plainEndpoint({ endpoints }: Pick<Settings, 'endpoints'>): string | undefined {
  const plain = endpoints.find(({ scheme }) => scheme === 'http');
  return plain && formatEndpoint(plain);
}

/** A file has permissions; a port, loopback or not, is open to every process that reaches it. */
function openTcp({ tls, listen, plaintextTcp }: Settings, named: Named): string | undefined {
  const open = listen.find(({ kind }) => kind === 'tcp');
  if (tls !== 'originate' || open === undefined || plaintextTcp) return undefined;
  return `under ${named('tls originate')} every process that reaches ${formatListenAddress(open)} would have the cluster without a certificate; write unix:/path, or --plaintext-tcp on`;
}

/** A member has one number. The names of discovered members are not known yet. */
function strangers(
  numbers: Settings['weight'],
  {
    endpoints,
    discovery,
    discoverySrv,
  }: Pick<Settings, 'endpoints' | 'discovery' | 'discoverySrv'>,
): string | undefined {
  const isFixed = discovery !== 'members' && discoverySrv === undefined;
  const names = endpoints.map(({ name }) => name);
  for (const [index, { member }] of numbers.entries()) {
    if (isFixed && !names.includes(member)) {
      return `${member} is not a member; write one of ${names.join(', ')}`;
    }
    if (numbers.findIndex((each) => each.member === member) < index) {
      return `${member} has two numbers; write one`;
    }
  }
  return undefined;
}
