/** The answer that is read by hand, against the protocol file that etcd's clients use. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { leaderViewIn } from '../../../src/leader/status-answer.ts';

const protocol = join(dirname(fileURLToPath(import.meta.resolve('etcd3'))), '../proto/rpc.proto');
const root = new protobuf.Root().loadSync(protocol, { keepCase: true });
const StatusResponse = root.lookupType('etcdserverpb.StatusResponse');

const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const number = fc.bigInt({ min: 0n, max: 2n ** 53n });
const text = (value: bigint) => value.toString();

test('says what the members of a cluster say, whatever else they say', () => {
  fc.assert(
    fc.property(
      id,
      id,
      fc.option(id),
      number,
      number,
      fc.string(),
      fc.array(fc.string()),
      (...all) => {
        const [clusterId, memberId, leaderId, term, size, version, errors] = all;
        const message = StatusResponse.encode(
          StatusResponse.fromObject({
            header: {
              cluster_id: text(clusterId),
              member_id: text(memberId),
              revision: text(size),
              raft_term: text(term),
            },
            ...{ version, dbSize: text(size), leader: text(leaderId ?? 0n), raftIndex: text(size) },
            ...{
              raftTerm: text(term),
              raftAppliedIndex: text(size),
              errors,
              isLearner: size % 2n === 0n,
            },
          }),
        ).finish();
        expect(leaderViewIn(message)).toEqual({
          clusterId: clusterId.toString(16),
          memberId: memberId.toString(16),
          leaderId: leaderId?.toString(16),
          term: Number(term),
        });
      },
    ),
  );
});

test('bytes that are no answer are an error or an answer, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        expect(leaderViewIn(bytes)).toHaveProperty('term');
      } catch (error) {
        expect((error as Error).message).toMatch(/the answer is/);
      }
    }),
  );
});
