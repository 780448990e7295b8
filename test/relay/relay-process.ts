/**
 * A process that does nothing but relay, so that its memory is the relay's: every connection to it is
 * joined with one to the port that it is given. Tells its parent its own port, and its figures when
 * asked. Arguments: the port, and which copier. To be run with --expose-gc.
 */
import net, { type AddressInfo } from 'node:net';
import { getHeapStatistics } from 'node:v8';
import { ByteCounts, plainBytes } from '../../src/proxy/relay/byte-counts.ts';
import { Relay } from '../../src/proxy/relay/relay.ts';
import {
  connectToSharedBuffer,
  copyThroughSharedBuffer,
} from '../../src/proxy/relay/shared-buffer.ts';
import { copyThroughStreams } from '../../src/proxy/relay/streams.ts';

export type CopierName = 'shared buffer' | 'streams';

export interface MemoryFigures {
  /** Bytes, after a collection of garbage. */
  readonly resident: number;
  /** Bytes ever allocated on the JavaScript heap. */
  readonly allocated: number;
}

const [port = '', copier] = process.argv.slice(2);
const copy = copier === 'streams' ? copyThroughStreams : copyThroughSharedBuffer;
const connect = copier === 'streams' ? net.connect : connectToSharedBuffer;

const server = net.createServer(
  { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
  (client) => {
    const member = connect({
      port: Number(port),
      host: '127.0.0.1',
      ...{ allowHalfOpen: true, noDelay: true },
    });
    member.pause();
    member.once('connect', () => {
      const counts = new ByteCounts(plainBytes, () => {});
      new Relay({ client, member }, copy, counts, () => {});
    });
  },
);
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

process.on('message', () => {
  // Before the collection, which may itself allocate.
  const allocated = getHeapStatistics().total_allocated_bytes;
  gc?.();
  const figures: MemoryFigures = { resident: process.memoryUsage.rss(), allocated };
  process.send?.(figures);
});
process.on('disconnect', () => process.exit());
