/**
 * Membership: the current members, from the settings and discovery.
 *
 *   discovery ──► roster ──► join, revise, leave
 *       ▲           │
 *       └── known ──┘
 *
 * Owns how a member is made. lifecycle.ts handles its joining and leaving.
 */
import { EventEmitter } from 'node:events';
import type { MemberTls } from '../../certificates/certificates.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { checkUrlOf } from '../../config/values/endpoint.ts';
import { trustedList, viewOfAll } from '../../etcd/cluster.ts';
import { EtcdClient } from '../../etcd/etcd-client.ts';
import type { GrpcTarget } from '../../etcd/grpc-security.ts';
import type { KnownCluster } from '../../etcd/known-cluster.ts';
import { acceptsNew } from '../../health/state/health.ts';
import { Questions } from '../../leader/questions.ts';
import { alwaysAt } from '../../lib/net/dns-cache.ts';
import { Discovery } from '../../members/discovery/discovery.ts';
import { memberSchemes } from '../../members/discovery/srv.ts';
import { systemDns } from '../../members/discovery/system-dns.ts';
import { Member, type Traits } from '../../members/member.ts';
import type { Place } from '../../members/place.ts';
import { type Revised, Roster } from '../../members/roster.ts';
import type { Event } from '../../observe/events/event.ts';

export interface MembershipOptions {
  readonly settings: LiveSettings;
  /** For gRPC to members; see `EtcdClientOptions`. */
  readonly tls: () => MemberTls;
  readonly record: (event: Event) => void;
  readonly known: KnownCluster;
}

interface MembershipEvents {
  join: [Member];
  /** Their name, weight or priority class has changed. */
  revise: [readonly Revised<Member>[]];
  /** After the members that replace it have joined. */
  leave: [Member];
}

/** Bound on each status poll, ms. */
const pollTimeout = 2_000;

export class Membership extends EventEmitter<MembershipEvents> {
  readonly #settings: LiveSettings;
  readonly #tls: () => MemberTls;
  readonly #roster: Roster<Member>;
  readonly #discovery: Discovery;

  /** Reads the state directory. Throws `SettingError` when it cannot be created. */
  constructor(options: MembershipOptions) {
    super();
    const { record, known } = options;
    const settings = options.settings.current;
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
      known: () => {
        const { clusterId } = viewOfAll(this.members, known.id);
        return this.members.map(({ place, health, status, statusError }) => ({
          place,
          memberId: status?.memberId,
          isForeign: status !== undefined && status.clusterId !== clusterId,
          healthy: acceptsNew(health) && statusError === undefined,
        }));
      },
      list: () => trustedList(this.members, known.id),
      onPlaces: (places) => this.#roster.set(places),
      onChange: record,
      onNameChange: record,
    });
    this.#roster = new Roster(this.#discovery.begin(), {
      admit: (place) => memberAt(place, this.#settings.current),
      revise: (member, place) => {
        member.revise(place, traitsOf(place, this.#settings.current));
        return member;
      },
      onJoin: (member) => this.emit('join', member),
      onRevise: (revised) => this.emit('revise', revised),
      onLeave: (member) => this.emit('leave', member),
    });
  }

  get members(): readonly Member[] {
    return this.#roster.members;
  }

  /** Starts discovery, until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    this.#discovery.start(signal);
  }

  /**
   * Applies changed settings: removed members leave, new ones join, the others stay with their connections.
   * Returns the members whose check URL has changed.
   */
  configure(): readonly Member[] {
    const settings = this.#settings.current;
    this.#discovery.configure(settings.endpoints);
    return this.members.filter((member) => {
      const { place, checkUrl } = member;
      member.revise(place, traitsOf(place, settings));
      return member.checkUrl !== checkUrl;
    });
  }

  /** The members as they would be under other settings, for a trial. */
  under(settings: Settings): readonly Member[] {
    const isFixed = settings.discovery === 'static' && settings.discoverySrv === undefined;
    const places = isFixed ? settings.endpoints : this.members.map(({ place }) => place);
    return places.map((place) => memberAt(place, settings));
  }

  /** Considers the new result of a status poll. */
  consider(): void {
    this.#discovery.consider();
  }

  /** A client for status polls of a member. */
  clientOf(member: Member): EtcdClient {
    const { etcdUser: user } = this.#settings.current;
    const target = this.#targetOf(member);
    return new EtcdClient({ ...target, timeout: pollTimeout, ...(user && { user }) });
  }

  /** A client for questions to a member about the leader. */
  questionsTo(member: Member): Questions {
    return new Questions(this.#targetOf(member));
  }

  #targetOf({ place }: Member): GrpcTarget {
    return { ...place, tls: this.#tls };
  }
}

function memberAt(place: Place, settings: Settings): Member {
  const { address } = place;
  const lookup = address === undefined ? undefined : alwaysAt(address);
  return new Member(place, { lookup, ...traitsOf(place, settings) });
}

/** Its weight, its priority class, and how it is checked. */
function traitsOf(place: Place, settings: Settings): Omit<Traits, 'lookup'> {
  const { name, settingsName = name } = place;
  const numberOf = (setting: 'weight' | 'priority'): number | undefined =>
    settings[setting].find(({ member }) => member === name || member === settingsName)?.value;
  return {
    share: numberOf('weight') ?? place.weight ?? 1,
    priority: numberOf('priority') ?? place.priority ?? 0,
    checkUrl: checkUrlOf(place, settings.checkUrl),
    checksClientPort: settings.checkUrl === undefined,
  };
}
