/**
 * Who the members are: first by what the files or `--endpoints` say, then by what the cluster lists.
 *
 *   Node, --endpoints ──► candidates ──► asked (ask.ts) ──► chosen members, each with the reason
 *
 * Pure.
 */
import { type Machine, reaches } from '../config/collision.ts';
import { type Endpoint, formatEndpoint, parseEndpoints } from '../config/values/endpoint.ts';
import { isUnstarted, newestList } from '../etcd/status/cluster-view.ts';
import type { ListedMember, MemberStatus, PollResult } from '../etcd/status/member-status.ts';
import { isLoopback } from '../lib/net/host-port.ts';
import { ConfigError } from '../lib/setting-error.ts';
import { count } from '../lib/text/count.ts';
import { planMembers } from '../members/discovery/plan.ts';
import { manifests, type Node } from './node/node.ts';

/** An endpoint that is asked for the cluster's list. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** Where it was found, as a clause. */
  readonly why: string;
  /** Is it a member for certain? Or may it be what stands in front of members? */
  readonly isMember: boolean;
}

export interface Members {
  /** As the setting `endpoints` has them. */
  readonly endpoints: readonly { readonly endpoint: Endpoint; readonly why: string }[];
  /** Where all of them come from, as a sentence. */
  readonly why: string;
  /** What a person has to know, as sentences. */
  readonly notes: readonly string[];
}

/** The members as far as they are known without asking. Throws `ConfigError` when there are none. */
export function candidatesOf(
  node: Node,
  given: { readonly endpoints: readonly string[]; readonly isSecure: boolean },
): Candidate[] {
  if (given.endpoints.length > 0) {
    try {
      const endpoints = parseEndpoints(given.endpoints, given.isSecure ? 'https' : 'http');
      return endpoints.map((endpoint) => ({
        endpoint,
        why: 'named in --endpoints',
        isMember: true,
      }));
    } catch (error) {
      throw new ConfigError(`--endpoints: ${(error as Error).message}.`);
    }
  }
  const found = distinct([...ofMember(node), ...ofApiserver(node)]);
  if (found.length > 0) return found;
  throw new ConfigError(
    node.apiserver
      ? `${manifests}/kube-apiserver.yaml names no address of etcd in --etcd-servers; name the members in --endpoints.`
      : `${manifests} has neither etcd.yaml nor kube-apiserver.yaml, so this is not a control-plane node of kubeadm; name the members in --endpoints.`,
  );
}

function ofMember({ etcd }: Node): Candidate[] {
  if (etcd === undefined) return [];
  const { scheme, port } = etcd.endpoint;
  const others = etcd.initial.filter(({ name }) => name !== etcd.name);
  return [
    {
      endpoint: etcd.endpoint,
      why: "this node's (etcd.yaml: --advertise-client-urls)",
      isMember: true,
    },
    ...others.map((peer) => ({
      endpoint: { ...peer, scheme, port },
      why: 'from --initial-cluster of etcd.yaml; the port is a guess',
      isMember: true,
    })),
  ];
}

/** With a member on this node, a loopback address is that member or a balancer, which adds nothing. */
function ofApiserver(node: Node): Candidate[] {
  const why = 'kube-apiserver uses it (kube-apiserver.yaml: --etcd-servers)';
  const servers = (node.apiserver?.servers ?? []).filter(
    ({ host }) => node.etcd === undefined || !isLoopback(host),
  );
  return servers.map((endpoint) => ({ endpoint, why, isMember: !isLoopback(endpoint.host) }));
}

function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byUrl = new Map<string, Candidate>();
  for (const each of candidates) {
    const url = formatEndpoint(each.endpoint);
    if (!byUrl.has(url)) byUrl.set(url, each);
  }
  return [...byUrl.values()];
}

/**
 * Chooses the members.
 *
 * @param answers of the candidates, in their order.
 * @throws `ConfigError` when the only address known is a balancer that does not answer.
 */
export function membersOf(
  candidates: readonly Candidate[],
  answers: readonly PollResult[],
): Members {
  const said = candidates.flatMap((candidate, index) => {
    const answer = answers[index];
    return answer?.kind === 'known' ? [{ ...candidate, status: answer.status }] : [];
  });
  const clusterId = said[0]?.status.clusterId;
  const alike = said.filter(({ status }) => status.clusterId === clusterId);
  const list = newestList(alike.map(({ status }) => status));
  if (list.length > 0) return listed(list, alike);
  const members = candidates.filter(({ isMember }) => isMember);
  const why = answers.flatMap((answer) => (answer.kind === 'unknown' ? answer.why : []))[0];
  if (members.length === 0) {
    const [first] = candidates;
    const url = first ? formatEndpoint(first.endpoint) : '';
    throw new ConfigError(
      `kube-apiserver.yaml: --etcd-servers names ${url}, which is on this node and does not say who the members are (${why}); name them in --endpoints.`,
    );
  }
  return {
    endpoints: members,
    why: 'The members, as far as this node knows them: none could be asked for the list.',
    notes: [
      `No member could be asked for the list of members (${why}): the endpoints are what this node knows; compare them with \`etcdctl member list\`.`,
    ],
  };
}

/** The members as the cluster lists them, each where it answers, or where it says that it is. */
function listed(
  list: readonly ListedMember[],
  said: readonly (Candidate & { readonly status: MemberStatus })[],
): Members {
  const named = withUsableNames(list);
  const known = said.map(({ endpoint, isMember, status: { memberId } }) => {
    const name = named.find(({ id }) => id === memberId)?.name ?? endpoint.name;
    return {
      place: { ...endpoint, name },
      isForeign: false,
      healthy: isMember,
      ...(isMember && { memberId }),
    };
  });
  const { places, misadvertised } = planMembers(named, known, []);
  const asked = said.map(({ endpoint }) => formatEndpoint(endpoint)).join(', ');
  const reasons = new Map(said.map(({ endpoint, why }) => [formatEndpoint(endpoint), why]));
  const unstarted = list.filter(isUnstarted).length;
  return {
    endpoints: places.toSorted(byName).map((place) => ({
      endpoint: place,
      why: reasons.get(formatEndpoint(place)) ?? 'the cluster lists it with this client URL',
    })),
    why: `The members by name, as the cluster listed them when ${asked} was asked.`,
    notes: [
      ...misadvertised
        .filter(({ usedAt }) => usedAt === undefined)
        .map(({ name, why }) => `${name} is left out: ${why}; add it to endpoints by hand.`),
      ...(unstarted > 0
        ? [
            `${count(unstarted, 'listed member')} never started, and no address is known: add it then.`,
          ]
        : []),
    ],
  };
}

/** `m2` before `m10`. */
function byName(a: Endpoint, b: Endpoint): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true });
}

/** A name that the setting `endpoints` cannot have, or that two members share, is replaced by the id. */
function withUsableNames(list: readonly ListedMember[]): ListedMember[] {
  return list.map((member) => {
    const { id, name } = member;
    const isUsable =
      /^[\w.-]*$/.test(name) && !list.some((each) => each !== member && each.name === name);
    return isUsable ? member : { ...member, name: id };
  });
}

/** The members that run on this machine, by their addresses. */
export function membersHere({ endpoints }: Members, machine: Machine): Endpoint[] {
  return endpoints
    .map(({ endpoint }) => endpoint)
    .filter((each) => reaches(each, { kind: 'tcp', host: '::', port: each.port }, machine));
}
