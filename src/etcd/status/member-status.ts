/**
 * Member status: what a member reports about itself and its cluster, as plain data.
 *
 * Owns the shape, and derives it from etcd's answers; text is made safe to show. Pure. etcd-client.ts asks,
 * eligibility.ts decides what follows for the member, and cluster-view.ts for the cluster.
 */
import type { IMember, IStatusResponse } from 'etcd3';
import { safeText } from '../../lib/text/safe-text.ts';

/** Identifiers are hexadecimal, as etcdctl and etcd's log show them. */
export interface MemberStatus {
  /** When the member was asked, ms since the epoch. */
  readonly at: number;
  /** How long it took to answer, ms. */
  readonly duration: number;
  readonly clusterId: string;
  readonly memberId: string;
  /** The server's version, such as `3.5.16`. */
  readonly version: string;
  /** The leader according to this member; `undefined` if it knows none. */
  readonly leaderId: string | undefined;
  readonly term: number;
  /** The revision of its key-value store: the last write that it has applied. */
  readonly revision: number;
  /** The last committed entry of the log, and the last that this member has applied. */
  readonly raftIndex: number;
  readonly appliedIndex: number;
  /** Bytes on disk, and those of them that hold data. */
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  /** What `dbSize` may reach, bytes; absent where that is not known. See db-quota.ts. */
  readonly dbQuota?: number;
  readonly isLearner: boolean;
  readonly alarms: readonly Alarm[];
  /** The members of its cluster as it knows them; empty if it does not tell, as a learner. */
  readonly members: readonly ListedMember[];
}

/** etcd has the kinds `NOSPACE` and `CORRUPT`. */
export interface Alarm {
  readonly kind: string;
  /** The member that raised it. */
  readonly memberId: string;
}

/** A member as the cluster lists it. */
export interface ListedMember {
  readonly id: string;
  /** Empty until it has started. */
  readonly name: string;
  /** Its advertised client URLs; none until it has started. */
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** The limit on members of one cluster, far above the 7 that etcd recommends at most. */
export const mostMembers = 32;
/** The limits on client URLs and alarms of one member. */
const mostUrls = 32;
const mostAlarms = 4;

/** The result of a poll; `why` is one clause. */
export type PollResult =
  | { readonly kind: 'known'; readonly status: MemberStatus }
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * Decodes etcd's answers. Throws one clause for people if they exceed the limits: one member's answer must not
 * cost what a thousand members would.
 *
 * @param at when the member was asked, ms since the epoch.
 * @param duration how long the status took, ms.
 */
export function statusOf(
  status: IStatusResponse,
  members: readonly IMember[],
  { at, duration }: Pick<MemberStatus, 'at' | 'duration'>,
): MemberStatus {
  refuseExcess(status, members);
  const { header, leader } = status;
  return {
    at,
    duration,
    clusterId: hex(header.cluster_id),
    memberId: hex(header.member_id),
    version: safeText(status.version),
    leaderId: leader === '0' ? undefined : hex(leader),
    term: Number(status.raftTerm),
    revision: Number(header.revision),
    raftIndex: Number(status.raftIndex),
    appliedIndex: Number(status.raftAppliedIndex),
    dbSize: Number(status.dbSize),
    dbSizeInUse: Number(status.dbSizeInUse),
    isLearner: status.isLearner,
    alarms: status.errors.flatMap(alarmIn),
    members: members.map(({ ID, name, clientURLs, isLearner }) => ({
      id: hex(ID),
      name: safeText(name),
      clientUrls: clientURLs.map(safeText),
      isLearner,
    })),
  };
}

function refuseExcess({ errors }: IStatusResponse, members: readonly IMember[]): void {
  if (members.length > mostMembers) {
    throw new Error(
      `it lists ${members.length} members, more than the ${mostMembers} of any cluster`,
    );
  }
  const talker = members.find(({ clientURLs }) => clientURLs.length > mostUrls);
  if (talker !== undefined) {
    throw new Error(`it lists a member with ${talker.clientURLs.length} client URLs`);
  }
  if (errors.length > mostMembers * mostAlarms) {
    throw new Error(`it names ${errors.length} alarms`);
  }
}

/**
 * A status lists the alarms as text, `memberID:1027 alarm:NOSPACE`. `AlarmList` is not used, since etcd writes
 * an entry to its log to answer it (`EtcdServer.Alarm`).
 */
function alarmIn(text: string): Alarm[] {
  const [, id, kind] = /^memberID:(\d+) alarm:(\w+)/.exec(text) ?? [];
  return id === undefined || kind === undefined ? [] : [{ kind, memberId: hex(id) }];
}

/** Converts the decimal text of a 64-bit number. */
function hex(decimal: string): string {
  return BigInt(decimal).toString(16);
}
