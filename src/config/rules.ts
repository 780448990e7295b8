/**
 * What settings must be to one another. Each alone already has its shape (options.ts).
 *
 * One rule, one function; each throws a `Refusal` of the setting to change, and names the others
 * with their origin, since they may be defaults that nobody wrote.
 */

import { formatHostPort } from '../lib/net/host-port.ts';
import { SettingError } from '../lib/setting-error.ts';
import { type Machine, overlap, reaches } from './collision.ts';
import type { Settings } from './settings.ts';
import { formatDuration } from './values/duration.ts';
import { type Endpoint, formatEndpoint } from './values/endpoint.ts';
import { formatListenAddress, type ListenAddress, type TcpAddress } from './values/listen.ts';
import { mention, type Origin } from './values/origin.ts';

/** Where the setting of this kebab-case name came from. */
export type OriginOf = (name: string) => Origin;

/** Throws `Refusal` for the first rule that is broken. */
export function checkRules(settings: Settings, originOf: OriginOf, machine: Machine): void {
  refuseNoEndpoints(settings);
  refuseMixedSchemes(settings);
  refuseRepeatedEndpoints(settings);
  refuseCollidingListeners(settings);
  refuseObservingOnListener(settings, originOf);
  refuseItself(settings, originOf, machine);
  refuseSlowFastInterval(settings, originOf);
  refuseLongCheck(settings, originOf);
  refuseLateRace(settings, originOf);
  refuseUnaskedMembers(settings, originOf);
  refuseLongHold(settings);
  refuseIdleWatch(settings);
  refuseBlindPolicy(settings, originOf);
  refuseTlsForClients(settings, originOf);
  refuseUnknownClients(settings, originOf);
  refuseAllowList(settings);
  refusePlainMembers(settings, originOf);
  refusePlaintextTcp(settings, originOf);
  refuseStrangers('weight', settings);
  refuseStrangers('priority', settings);
}

function refuseNoEndpoints({ endpoints, discoverySrv }: Settings): void {
  if (endpoints.length > 0 || discoverySrv !== undefined) return;
  throw new SettingError(
    'endpoints',
    'no etcd member is named; write their addresses, such as http://10.0.0.1:2379,http://10.0.0.2:2379',
  );
}

function isDiscovered({ discovery, discoverySrv }: Settings): boolean {
  return discovery === 'members' || discoverySrv !== undefined;
}

/** Members list the others when they are asked about themselves. */
function refuseUnaskedMembers({ discovery, inspectInterval }: Settings, originOf: OriginOf): void {
  if (discovery !== 'members' || inspectInterval > 0) return;
  throw new SettingError(
    'discovery',
    `members are not asked who there is while ${mention('inspect-interval 0', originOf('inspect-interval'))} turns questions off; write a duration there, such as 10s`,
  );
}

/**
 * Nobody answers the keepalives of clients in a hold. gRPC asks after 10 s at the earliest
 * (grpc.keepalive_time_ms of the Go client), and closes the connection some seconds later.
 */
const longestHold = 10_000;

function refuseLongHold({ hold }: Settings): void {
  if (hold <= longestHold) return;
  throw new SettingError(
    'hold',
    `${formatDuration(hold)} is longer than clients wait for the answer to a keepalive; write ${formatDuration(longestHold)} or less`,
  );
}

function refuseIdleWatch({ watchConfig, configFile }: Settings): void {
  if (!watchConfig || configFile !== undefined) return;
  throw new SettingError(
    'watch-config',
    'there is no file to watch; write its path in --config, or leave this out',
  );
}

/** Calls are seen in plain bytes only. */
function refuseBlindPolicy(
  { balance, endpoints, followCalls, tls }: Settings,
  originOf: OriginOf,
): void {
  if (balance !== 'least-calls') return;
  if (!followCalls) {
    throw new SettingError(
      'balance',
      `least-calls counts calls, which ${mention('follow-calls off', originOf('follow-calls'))} leaves unseen; write follow-calls on, or least-connections`,
    );
  }
  if (tls === 'passthrough' && endpoints.some(({ scheme }) => scheme === 'https')) {
    throw new SettingError(
      'balance',
      'least-calls counts calls, which cannot be seen in TLS that passes through; write least-connections, or another --tls',
    );
  }
}

/** Numbers for members that there are none of, or two for one. */
function refuseStrangers(setting: 'weight' | 'priority', settings: Settings): void {
  const names = settings.endpoints.map(({ name }) => name);
  // Who is discovered has a name that nobody knows yet.
  const isFixed = !isDiscovered(settings);
  const seen = new Set<string>();
  for (const { member } of settings[setting]) {
    if (isFixed && !names.includes(member)) {
      throw new SettingError(
        setting,
        `${member} is none of the members; write one of ${names.join(', ')}`,
      );
    }
    if (seen.has(member)) {
      throw new SettingError(setting, `${member} has two numbers; write one`);
    }
    seen.add(member);
  }
}

/** What clients see of us goes with speaking TLS to them, and nothing else does. */
function refuseTlsForClients({ tls, certificateFiles }: Settings, originOf: OriginOf): void {
  const { tlsCert, tlsKey, clientCa } = certificateFiles;
  if (tls === 'terminate') {
    if (tlsCert !== undefined && tlsKey !== undefined) return;
    throw new SettingError(
      tlsCert === undefined ? 'tls-cert' : 'tls-key',
      `clients are to see a certificate under ${mention('tls terminate', originOf('tls'))}; write the paths of --tls-cert and --tls-key`,
    );
  }
  const given = { 'tls-cert': tlsCert, 'tls-key': tlsKey, 'client-ca': clientCa };
  for (const [setting, path] of Object.entries(given)) {
    if (path === undefined) continue;
    throw new SettingError(
      setting,
      `no TLS is spoken with clients under ${mention(`tls ${tls}`, originOf('tls'))}; leave it out, or write --tls terminate`,
    );
  }
}

/** To let in whoever connects must be written, not forgotten. */
function refuseUnknownClients({ tls, certificateFiles }: Settings, originOf: OriginOf): void {
  if (tls !== 'terminate' || certificateFiles.clientCa !== undefined) return;
  throw new SettingError(
    'client-ca',
    `${mention('tls terminate', originOf('tls'))} must know whom to let in; write the path of the authorities of your clients, or none to let in everybody who can connect`,
  );
}

function refuseAllowList({ tls, allowClient, certificates }: Settings): void {
  if (allowClient.length === 0) return;
  if (tls !== 'terminate') {
    throw new SettingError(
      'allow-client',
      `no certificate of a client is seen under --tls ${tls}; leave it out, or write --tls terminate`,
    );
  }
  if (certificates.clients?.ca !== undefined) return;
  throw new SettingError(
    'allow-client',
    'clients are asked for no certificate under --client-ca none; write the path of their authorities there',
  );
}

/** Where TLS towards members is asked for, they must speak it. Discovered ones are held to it later. */
function refusePlainMembers({ tls, endpoints, serverName }: Settings, originOf: OriginOf): void {
  const plain = endpoints.find(({ scheme }) => scheme === 'http');
  if (plain === undefined) return;
  if (tls === 'originate') {
    throw new SettingError(
      'endpoints',
      `${formatEndpoint(plain)} speaks no TLS, which ${mention('tls originate', originOf('tls'))} is for; write https, or --tls passthrough`,
    );
  }
  if (serverName !== undefined) {
    throw new SettingError(
      'server-name',
      `${formatEndpoint(plain)} shows no certificate that could carry ${serverName}; leave it out, or write https endpoints`,
    );
  }
}

/** A file has permissions; a port, loopback or not, is open to every process that reaches it. */
function refusePlaintextTcp(settings: Settings, originOf: OriginOf): void {
  const { tls, listen, plaintextTcp } = settings;
  if (tls !== 'originate') {
    if (!plaintextTcp) return;
    throw new SettingError(
      'plaintext-tcp',
      `is for --tls originate, not for ${mention(`tls ${tls}`, originOf('tls'))}; leave it out`,
    );
  }
  const open = listen.find(({ kind }) => kind === 'tcp');
  if (open === undefined || plaintextTcp) return;
  throw new SettingError(
    'listen',
    `under ${mention('tls originate', originOf('tls'))} every process that reaches ${formatListenAddress(open)} would have the cluster without a certificate; write unix:/path, or --plaintext-tcp on`,
  );
}

function refuseMixedSchemes({ endpoints }: Settings): void {
  const [first] = endpoints;
  const other = endpoints.find(({ scheme }) => scheme !== first?.scheme);
  if (first === undefined || other === undefined) return;
  throw new SettingError(
    'endpoints',
    `${formatEndpoint(first)} and ${formatEndpoint(other)} mix http and https; write one scheme for all, since a client speaks to any of them`,
  );
}

function refuseRepeatedEndpoints({ endpoints }: Settings): void {
  const addresses = new Map<string, Endpoint>();
  const names = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const address = formatHostPort(endpoint.host, endpoint.port);
    const twin = addresses.get(address);
    if (twin !== undefined) {
      const as = twin.name === endpoint.name ? '' : `, as ${twin.name} and as ${endpoint.name}`;
      throw new SettingError('endpoints', `${address} is there twice${as}; name each member once`);
    }
    const namesake = names.get(endpoint.name);
    if (namesake !== undefined) {
      throw new SettingError(
        'endpoints',
        `${endpoint.name} is the name of both ${formatEndpoint(namesake)} and ${formatEndpoint(endpoint)}; give each member its own`,
      );
    }
    addresses.set(address, endpoint);
    names.set(endpoint.name, endpoint);
  }
}

function refuseCollidingListeners({ listen }: Settings): void {
  for (const [index, address] of listen.entries()) {
    const other = listen.slice(0, index).find((earlier) => collide(earlier, address));
    if (other === undefined) continue;
    const [a, b] = [formatListenAddress(other), formatListenAddress(address)];
    const fault = a === b ? `${a} is there twice` : `${a} and ${b} cannot both be open`;
    throw new SettingError('listen', `${fault}; leave one out`);
  }
}

function collide(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'tcp' && b.kind === 'tcp') return overlap(a, b);
  return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path;
}

function refuseObservingOnListener({ listen, observe }: Settings, originOf: OriginOf): void {
  if (observe === undefined || !listen.some((address) => collide(address, observe))) return;
  throw new SettingError(
    'observe',
    `${formatListenAddress(observe)} is also a ${mention('listen', originOf('listen'))} address; write another port, or off`,
  );
}

function refuseItself(settings: Settings, originOf: OriginOf, machine: Machine): void {
  const listen = settings.listen.filter((address): address is TcpAddress => address.kind === 'tcp');
  const self = settings.endpoints.find((endpoint) =>
    listen.some((address) => reaches(endpoint, address, machine)),
  );
  if (self === undefined) return;
  throw new SettingError(
    'endpoints',
    `${formatEndpoint(self)} is this balancer's own ${mention('listen address', originOf('listen'))}; name the etcd members instead`,
  );
}

function refuseSlowFastInterval(settings: Settings, originOf: OriginOf): void {
  const { checkInterval, checkFastInterval } = settings;
  if (checkFastInterval <= checkInterval) return;
  const interval = formatDuration(checkInterval);
  throw new SettingError(
    'check-fast-interval',
    `${formatDuration(checkFastInterval)} is longer than ${mention(`check-interval ${interval}`, originOf('check-interval'))}; write at most ${interval}, or a longer --check-interval`,
  );
}

function refuseLongCheck(settings: Settings, originOf: OriginOf): void {
  const { checkInterval, checkTimeout, checkFall } = settings;
  if (checkTimeout <= checkInterval * checkFall) return;
  const interval = mention(
    `check-interval ${formatDuration(checkInterval)}`,
    originOf('check-interval'),
  );
  const fall = mention(`check-fall ${checkFall}`, originOf('check-fall'));
  throw new SettingError(
    'check-timeout',
    `${formatDuration(checkTimeout)} is longer than ${interval} times ${fall}; write at most ${formatDuration(checkInterval * checkFall)}`,
  );
}

function refuseLateRace(settings: Settings, originOf: OriginOf): void {
  const { dialTimeout, dialRaceAfter } = settings;
  if (dialRaceAfter < dialTimeout) return;
  const timeout = mention(`dial-timeout ${formatDuration(dialTimeout)}`, originOf('dial-timeout'));
  throw new SettingError(
    'dial-race-after',
    `${formatDuration(dialRaceAfter)} is not below ${timeout}; write less, or a longer --dial-timeout`,
  );
}
