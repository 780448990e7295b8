/** New connections, one for each HTTP/1.1 request to etcd, made by wrk on one thread. */
import { capture } from '../../machine/capture.ts';
import { findWrk } from '../../machine/programs.ts';
import { parseWrk, type WrkResult } from './wrk-output.ts';

/** @param seconds how long. Throws when a single one fails. */
export async function connectAgainAndAgain(address: string, seconds: number): Promise<WrkResult> {
  const output = await capture(await findWrk(), [
    ...['-t', '1', '-c', '8', '-d', `${seconds}s`, '-H', 'Connection: close'],
    `http://${address}/version`,
  ]);
  const result = parseWrk(output);
  if (result.failed > 0)
    throw new Error(`Of ${result.requests} connections ${result.failed} failed.`);
  return result;
}
