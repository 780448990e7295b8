/**
 * Member status: what a member says about itself and its cluster, as plain data.
 *
 * Owns the shape, and the way to it from etcd's answers, whose text is made safe to show. Pure. Who asks is etcd-client.ts; what
 * follows for the traffic is eligibility.ts, and for the cluster as a whole cluster-view.ts.
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
  /** Of the server, such as `3.5.16`. */
  readonly version: string;
  /** Whom this member takes for the leader; `undefined` when it knows none. */
  readonly leaderId: string | undefined;
  readonly term: number;
  /** The last entry of the log that is committed, and the last that this member has applied. */
  readonly raftIndex: number;
  readonly appliedIndex: number;
  /** Bytes on disk, and those of them that hold data. */
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  readonly isLearner: boolean;
  readonly alarms: readonly Alarm[];
  /** The members of its cluster, as it knows them; empty where it does not tell, as a learner. */
  readonly members: readonly ListedMember[];
}

/** `NOSPACE` and `CORRUPT` are those that etcd has. */
export interface Alarm {
  readonly kind: string;
  /** Who raised it. */
  readonly memberId: string;
}

/** A member as the cluster lists it. */
export interface ListedMember {
  readonly id: string;
  /** Empty until it has been started. */
  readonly name: string;
  /** Where its clients are to go, as it advertises; none until it has been started. */
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** Members that one cluster can have, far above the 7 that etcd recommends at most. */
export const mostMembers = 32;
/** Client URLs that one member can advertise, and alarms that it can raise. */
const mostUrls = 32;
const mostAlarms = 4;

/** What is known of a member at this moment; `why` is one clause. */
export type PollResult =
  | { readonly kind: 'known'; readonly status: MemberStatus }
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * Throws for more than a cluster can have, with one clause for people: what one member says must not cost
 * what a thousand members would.
 *
 * @param at when they were asked for, ms since the epoch.
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
 * A status lists the alarms as text, `memberID:1027 alarm:NOSPACE`. They are read there and not asked
 * for with `AlarmList`, since etcd answers that by writing an entry to its log (`EtcdServer.Alarm`).
 */
function alarmIn(text: string): Alarm[] {
  const [, id, kind] = /^memberID:(\d+) alarm:(\w+)/.exec(text) ?? [];
  return id === undefined || kind === undefined ? [] : [{ kind, memberId: hex(id) }];
}

/** From the decimal digits in which 64-bit numbers arrive. */
function hex(decimal: string): string {
  return BigInt(decimal).toString(16);
}
