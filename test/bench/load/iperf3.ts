/** One long stream through a contestant: iperf3's client in front of it, its server behind. */
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../../src/demo/free-ports.ts';
import { capture } from '../../machine/capture.ts';
import { Child } from '../../machine/child.ts';
import { findIperf3 } from '../../machine/programs.ts';

export interface StreamResult {
  readonly bytes: number;
  /** s. */
  readonly duration: number;
}

/** The server; one stream at a time. */
export async function startIperf3(): Promise<{ readonly port: number; readonly child: Child }> {
  const { path, env } = await findIperf3();
  const [port = 0] = await freePorts(1);
  const child = new Child('iperf3', [path, '-s', '-B', '127.0.0.1', '-p', String(port)], { env });
  await child.listens(port);
  return { port, child };
}

/** @param direction `up` from client to server. */
export async function stream(
  address: string,
  bytes: number,
  direction: 'up' | 'down',
): Promise<StreamResult> {
  const [host = '', port = ''] = address.split(':');
  const program = await findIperf3();
  const args = ['-c', host, '-p', port, '-n', String(bytes), '--json'];
  const ask = () => capture(program, [...args, ...(direction === 'down' ? ['-R'] : [])]);
  const answer = await ask().catch(async () => {
    // It may not have noticed yet that the one before is over.
    await delay(500);
    return await ask();
  });
  const { end } = JSON.parse(answer) as Answer;
  return { bytes: end.sum_received.bytes, duration: end.sum_received.seconds };
}

interface Answer {
  readonly end: { readonly sum_received: { readonly bytes: number; readonly seconds: number } };
}
