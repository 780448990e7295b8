/**
 * Whether inherited sockets fit the settings. They override `--listen`, as in every socket-activated
 * program, but must keep the other rules of the settings.
 */
import { isIP } from 'node:net';
import type { Settings } from '../config/settings.ts';
import { formatListenAddress, type ListenAddress } from '../config/values/listen.ts';
import { ConfigError } from '../lib/setting-error.ts';

/** Are these the configured addresses, in any order? A host name matches any address. */
export function agree(
  inherited: readonly ListenAddress[],
  asked: readonly ListenAddress[],
): boolean {
  return inherited.length === asked.length && asked.every((each) => inherited.some(fits(each)));
}

function fits(asked: ListenAddress): (inherited: ListenAddress) => boolean {
  return (inherited) => {
    if (asked.kind === 'unix' || inherited.kind === 'unix') {
      return formatListenAddress(asked) === formatListenAddress(inherited);
    }
    const anyPort = asked.port === 0;
    return (
      (anyPort || asked.port === inherited.port) &&
      (asked.host === inherited.host || isIP(asked.host) === 0)
    );
  };
}

/** Throws `ConfigError` where a socket would give everybody access to the cluster without a certificate. */
export function refuseExposure(
  { tls, plaintextTcp }: Pick<Settings, 'tls' | 'plaintextTcp'>,
  inherited: readonly ListenAddress[],
): void {
  const open = inherited.find(({ kind }) => kind === 'tcp');
  if (tls !== 'originate' || plaintextTcp || open === undefined) return;
  throw new ConfigError(
    `LISTEN_FDS: under --tls originate every process that reaches ${formatListenAddress(open)} would have the cluster without a certificate; pass a Unix socket, or write --plaintext-tcp on.`,
  );
}
