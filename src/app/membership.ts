/**
 * Membership: the members there are, from the settings and whoever else names them.
 *
 *   discovery ──► roster ──► onJoin, onRevise, onLeave
 *       ▲           │
 *       └── known ──┘
 *
 * Owns what a member is made of. Leaves to app.ts what is done when one joins or leaves.
 */
import type { LookupFunction } from 'node:net';
import type { Candidate } from '../balancing/snapshot.ts';
import type { MemberTls } from '../certificates/certificates.ts';
import type { Settings } from '../config/settings.ts';
import { checkUrlOf } from '../config/values/check-url.ts';
import { formatEndpoint } from '../config/values/endpoint.ts';
import type { Cluster } from '../etcd/cluster.ts';
import { EtcdClient } from '../etcd/etcd-client.ts';
import type { GrpcTarget } from '../etcd/grpc-security.ts';
import type { MonitoredMember } from '../health/monitor.ts';
import { Questions } from '../leader/questions.ts';
import { alwaysAt } from '../lib/net/dns-cache.ts';
import { Discovery } from '../members/discovery/discovery.ts';
import { memberSchemes } from '../members/discovery/srv.ts';
import { systemDns } from '../members/discovery/system-dns.ts';
import type { Place } from '../members/place.ts';
import { type Revised, Roster } from '../members/roster.ts';
import { discoveryChanged, namesChanged } from '../observe/events/discovery-events.ts';
import type { EventBody } from '../observe/events/event-log.ts';
import type { NamedMember } from '../observe/status.ts';

/** Everything that one part or another has to know of a member. */
export interface Member extends NamedMember, MonitoredMember {
  readonly place: Place;
}

export interface MembershipOptions {
  /** Those in force. */
  readonly settings: () => Settings;
  /** For questions to members; see `EtcdClientOptions`. */
  readonly tls: () => MemberTls;
  readonly cluster: () => Cluster;
  readonly isHealthy: (candidate: Candidate) => boolean;
  readonly onJoin: (member: Member) => void;
  /** Told of members whose name, weight or class is another now. */
  readonly onRevise: (revised: readonly Revised<Member>[]) => void;
  /** Called after those that replace it have joined. */
  readonly onLeave: (member: Member) => void;
  readonly record: (body: EventBody) => void;
}

/** Bound on each question to a member about itself, ms. */
const inspectTimeout = 2_000;

export class Membership {
  readonly #settings: () => Settings;
  readonly #tls: () => MemberTls;
  readonly #roster: Roster<Member>;
  readonly #discovery: Discovery;

  /** Reads the state directory. Throws `Refusal` when it cannot be made. */
  constructor(options: MembershipOptions) {
    const { cluster, isHealthy, onJoin, onRevise, onLeave, record } = options;
    const settings = options.settings();
    this.#settings = options.settings;
    this.#tls = options.tls;
    const { endpoints, discovery, discoverySrv, stateDir } = settings;
    const isFixed = discovery === 'static' && discoverySrv === undefined;
    this.#discovery = new Discovery({
      endpoints,
      srvDomain: discoverySrv,
      schemes: memberSchemes(settings),
      followsCluster: discovery === 'members',
      stateDir: isFixed ? undefined : stateDir,
      dns: systemDns,
      known: () =>
        this.members.map(({ place, candidate }) => {
          const facts = cluster().statusOf(candidate);
          const { clusterId } = cluster().view;
          return {
            place,
            memberId: facts?.memberId,
            isForeign: facts !== undefined && facts.clusterId !== clusterId,
            healthy: isHealthy(candidate) && cluster().whyUnknown(candidate) === undefined,
          };
        }),
      list: () => cluster().list,
      onPlaces: (places) => this.#roster.set(places),
      onChange: (change) => record(discoveryChanged(change)),
      onNameChange: (change) => record(namesChanged(change)),
    });
    this.#roster = new Roster(this.#discovery.begin(), {
      admit: (place) => memberAt(place, this.#settings()),
      revise: (member, place) => {
        member.candidate.name = place.name;
        stand(member.candidate, place, this.#settings());
        return { ...member, place };
      },
      onJoin,
      onRevise,
      onLeave,
    });
  }

  get members(): readonly Member[] {
    return this.#roster.members;
  }

  get candidates(): readonly Candidate[] {
    return this.#roster.members.map(({ candidate }) => candidate);
  }

  /** Asks whoever names members, until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    this.#discovery.start(signal);
  }

  /**
   * Brings the members in line with the settings, which have changed: who is none any more leaves, who is
   * new joins, the others stay, with their connections. Returns those of them that are checked in
   * another way now.
   */
  configure(): readonly Member[] {
    const settings = this.#settings();
    this.#discovery.configure(settings.endpoints);
    const amended: Member[] = [];
    this.#roster.amend((member) => {
      const { candidate, place } = member;
      stand(candidate, place, settings);
      const checked = checkedBy(place, settings);
      if (checked.checkUrl === member.checkUrl) return member;
      const after = { ...member, ...checked };
      amended.push(after);
      return after;
    });
    return amended;
  }

  /** The members as they would be under other settings, for a first look at them. */
  under(settings: Settings): readonly Member[] {
    const isFixed = settings.discovery === 'static' && settings.discoverySrv === undefined;
    const places = isFixed ? settings.endpoints : this.members.map(({ place }) => place);
    return places.map((place) => memberAt(place, settings));
  }

  /** A member has said something of itself and its cluster. */
  consider(): void {
    this.#discovery.consider();
  }

  /** Do clients speak to this member without TLS? */
  isPlain(candidate: Candidate): boolean {
    return this.members.find((each) => each.candidate === candidate)?.place.scheme === 'http';
  }

  /** The host of a member as it was named, by which its certificate is verified. */
  hostOf(candidate: Candidate): string {
    const member = this.members.find((each) => each.candidate === candidate);
    return member?.place.host ?? candidate.host;
  }

  /** For questions to a member about itself. */
  clientOf(candidate: Candidate): EtcdClient {
    const { etcdUser } = this.#settings();
    return new EtcdClient({
      ...{ ...this.#targetOf(candidate), timeout: inspectTimeout },
      ...(etcdUser && { user: etcdUser }),
    });
  }

  /** For questions to a member about the leader. */
  questionsTo(candidate: Candidate): Questions {
    return new Questions(this.#targetOf(candidate));
  }

  #targetOf(candidate: Candidate): GrpcTarget {
    const member = this.members.find((each) => each.candidate === candidate);
    if (member === undefined) throw new Error(`${candidate.name} is not a member`);
    const { scheme, host, address, port } = member.place;
    return { scheme, host, address, port, tls: this.#tls };
  }
}

function memberAt(place: Place, settings: Settings): Member {
  const { name, host, port, address } = place;
  const { share, priority } = standingOf(place, settings);
  const lookup: LookupFunction | undefined = address === undefined ? undefined : alwaysAt(address);
  return {
    place,
    candidate: {
      name,
      host: address ?? host,
      port,
      load: 0,
      calls: 0,
      weight: share,
      share,
      priority,
    },
    endpoint: formatEndpoint(place),
    address,
    ...checkedBy(place, settings),
    lookup,
  };
}

/** Its due against the others', and its class. */
function standingOf(place: Place, settings: Settings): { share: number; priority: number } {
  const { name, settingsName = name } = place;
  const numberOf = (setting: 'weight' | 'priority'): number | undefined =>
    settings[setting].find(({ member }) => member === name || member === settingsName)?.value;
  return {
    share: numberOf('weight') ?? place.weight ?? 1,
    priority: numberOf('priority') ?? place.priority ?? 0,
  };
}

/** Gives a member that there is the due and class it has now; one that starts slowly goes on to. */
function stand(candidate: Candidate, place: Place, settings: Settings): void {
  const { share, priority } = standingOf(place, settings);
  candidate.weight *= share / (candidate.share ?? 1);
  Object.assign(candidate, { share, priority });
}

function checkedBy(
  place: Place,
  settings: Settings,
): Pick<Member, 'checkUrl' | 'checksClientPort'> {
  return {
    checkUrl: checkUrlOf(place, settings.checkUrl),
    checksClientPort: settings.checkUrl === undefined,
  };
}
