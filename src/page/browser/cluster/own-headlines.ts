/** Headlines about the balancer itself, whose members may all be healthy. Pure. */
import {
  endingCertificates,
  nearlyFull,
  refusedReload,
  turningAway,
} from '../../../observe/concerns.ts';
import { pausedWords, replacedWords } from '../../../observe/events/sentences/pause.ts';
import { whyRejected } from '../../../observe/events/sentences/traffic.ts';
import { capitalized, listed } from '../lib/amounts.ts';
import type { StatusUpdate } from '../wire.ts';
import { check, type Headline, type Help, recipe, shellWord } from './help.ts';

/** Before the consequences: nobody is served, however the members are. */
export function paused(status: StatusUpdate): Headline | undefined {
  if (status.paused === undefined) return undefined;
  const sentence = `${capitalized(pausedWords(status.paused))}. Nobody gets a member.`;
  const help = [{ what: 'Serve clients again', text: 'etcd-lb resume' }];
  return { tone: 'warn', word: 'Paused', sentence, help };
}

export function anotherCluster({ cluster: { replaced } }: StatusUpdate): Headline | undefined {
  if (replaced === undefined) return undefined;
  const sentence = `${capitalized(replacedWords(replaced))}. Nobody gets a member until it is accepted; clients wait.`;
  const help = [
    {
      what: 'If that is meant, as after a restore',
      text: `etcd-lb resume --accept-cluster ${replaced.id}`,
    },
  ];
  return { tone: 'bad', word: 'Another cluster', sentence, help };
}

export function turningClientsAway(status: StatusUpdate): Headline | undefined {
  const reasons = turningAway(status, Date.parse(status.at));
  if (reasons.length === 0) return undefined;
  const why = listed(reasons.map((reason) => whyRejected[reason]));
  const help: Help =
    reasons.includes('limit') || reasons.includes('source-limit')
      ? { what: 'See who is connected', text: 'etcd-lb sessions' }
      : check(status);
  return {
    ...{ tone: 'bad', word: 'Turning clients away' },
    ...{ sentence: `Clients get no connection: ${why}.`, help: [help] },
  };
}

/** No share of the quota, which changes by itself. */
export function databaseNearlyFull(status: StatusUpdate): Headline | undefined {
  const full = nearlyFull(status);
  if (full.length === 0) return undefined;
  const who = listed(full.map(({ name }) => name));
  return {
    ...{ tone: 'warn', word: 'Database nearly full' },
    sentence: `The database of ${who} has nearly reached its quota. When one is full, the whole cluster refuses writes.`,
    help: [recipe('Defragment'), check(status)],
  };
}

export function reloadRefused(status: StatusUpdate): Headline | undefined {
  const why = refusedReload(status);
  if (why === undefined) return undefined;
  return {
    ...{ tone: 'warn', word: 'Reload refused' },
    sentence: `The previous settings stay in use. ${why}`,
    help: [{ what: 'When that is corrected', text: 'etcd-lb reload' }],
  };
}

export function certificateExpired(status: StatusUpdate): Headline | undefined {
  return certificates(status, true);
}

export function certificateEnding(status: StatusUpdate): Headline | undefined {
  return certificates(status, false);
}

function certificates(status: StatusUpdate, expired: boolean): Headline | undefined {
  const ending = endingCertificates(status).filter(({ daysLeft }) => daysLeft < 0 === expired);
  const [first] = ending;
  if (first === undefined) return undefined;
  const verb = expired ? 'expired on' : 'ends on';
  const each = ending.map(
    ({ name, path, notAfter }) => `--${name} (${path}) ${verb} ${notAfter.slice(0, 10)}`,
  );
  const help = [
    { what: 'Look at it', text: `openssl x509 -noout -text -in ${shellWord(first.path)}` },
    ...(first.path.startsWith('/etc/kubernetes/')
      ? [{ what: 'On a kubeadm node', text: 'kubeadm certs check-expiration' }]
      : []),
  ];
  return {
    tone: expired ? 'bad' : 'warn',
    word: expired ? 'Certificate expired' : 'Certificate ends soon',
    sentence: `The certificate of ${each.join('; ')}. Put a new one in its place: it is used without a reload.`,
    help,
  };
}
