/**
 * Who leads, as the members themselves say it to the harness: each is asked every 100 ms, and a
 * member leads while a majority of voters says so, itself among them. Followers of a leader that is
 * gone name it until they have another; so its own word counts, and that it runs.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { now } from '../clients/record.ts';
import { answerOf, open } from './ask.ts';
import type { ChaosMember } from './cluster.ts';
import type { NamespaceCluster } from './start.ts';

/** Times by `now()`. */
export interface Reign {
  readonly from: number;
  readonly until: number;
  /** Its name; undefined while nobody leads. */
  readonly leader: string | undefined;
}

/** ms between two questions to a member. */
const period = 100;
/** What a member said counts for so long, ms; it is also what an answer may take. */
const fresh = 500;

interface Word {
  /** The id of the member that it takes for the leader. */
  readonly leader: string;
  readonly at: number;
}

export class Truth {
  readonly #cluster: NamespaceCluster;
  readonly #agents: readonly [HttpAgent, HttpsAgent];
  readonly #words = new Map<string, Word>();
  readonly #answers = new Map<string, number[]>();
  readonly #asked = new Map<string, AbortController>();
  /** When who began to lead. */
  readonly #turns: { readonly from: number; readonly leader: string | undefined }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped: number | undefined;

  constructor(cluster: NamespaceCluster) {
    this.#cluster = cluster;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agents = [new HttpAgent(options), new HttpsAgent(options)];
  }

  start(): void {
    this.#stopped = undefined;
    this.#judge();
    this.#timer = setInterval(() => this.#tick(), period);
    this.#tick();
  }

  /** Ends the last interval. */
  stop(): void {
    clearInterval(this.#timer);
    this.#stopped ??= now();
    for (const each of this.#asked.values()) each.abort();
    for (const agent of this.#agents) agent.destroy();
  }

  /** From the start until it was stopped, or until now. */
  get reigns(): readonly Reign[] {
    const end = this.#stopped ?? now();
    return this.#turns.map(({ from, leader }, index) => ({
      ...{ from, leader },
      until: this.#turns[index + 1]?.from ?? end,
    }));
  }

  /** When a member answered. */
  answersOf(name: string): readonly number[] {
    return this.#answers.get(name) ?? [];
  }

  /** The name of who leads at a moment, seen up to about 100 ms late. */
  leaderAt(time: number): string | undefined {
    return this.#turns.findLast(({ from }) => from <= time)?.leader;
  }

  /** How long nobody led within an interval, ms. What was not watched counts as led. */
  leaderless(from: number, until: number): number {
    return this.reigns
      .filter(({ leader }) => leader === undefined)
      .map((reign) => Math.min(reign.until, until) - Math.max(reign.from, from))
      .reduce((sum, ms) => sum + Math.max(0, ms), 0);
  }

  #tick(): void {
    for (const member of this.#cluster.members) {
      // A paused one is asked as well: what it cannot answer is given up after a while.
      const isUp = member.state === 'running' || member.state === 'paused';
      if (isUp && !this.#asked.has(member.name)) void this.#ask(member);
    }
    this.#judge();
  }

  async #ask(member: ChaosMember): Promise<void> {
    const asking = new AbortController();
    this.#asked.set(member.name, asking);
    const giveUp = setTimeout(() => asking.abort(), fresh);
    const [plain, secure] = this.#agents;
    const agent = member.clientUrl.startsWith('https:') ? secure : plain;
    try {
      const options = { ...this.#cluster.caller, agent, signal: asking.signal };
      const url = `${member.clientUrl}/v3/maintenance/status`;
      const { text } = await answerOf(await open(url, options, '{}'));
      const { leader = '0' } = JSON.parse(text) as { leader?: string };
      this.#hear(member.name, leader);
    } catch {
      this.#words.delete(member.name);
    } finally {
      clearTimeout(giveUp);
      this.#asked.delete(member.name);
    }
    this.#judge();
  }

  #hear(name: string, leader: string): void {
    const at = now();
    this.#words.set(name, { leader, at });
    const answers = this.#answers.get(name) ?? [];
    answers.push(at);
    this.#answers.set(name, answers);
  }

  #judge(): void {
    if (this.#stopped !== undefined) return;
    const leader = this.#leader();
    const last = this.#turns.at(-1);
    if (last === undefined || last.leader !== leader) this.#turns.push({ from: now(), leader });
  }

  #leader(): string | undefined {
    const oldest = now() - fresh;
    const listed = this.#cluster.members.filter(({ state }) => state !== 'removed');
    const voters = listed.filter(({ isLearner }) => !isLearner);
    const votes = voters.flatMap(({ id, name, state }) => {
      const word = this.#words.get(name);
      return word && word.at >= oldest && state === 'running' ? { id, for: word.leader } : [];
    });
    const claims = votes.filter((vote) => vote.id === vote.for).map(({ id }) => id);
    const elected = claims.find(
      (claim) => votes.filter((vote) => vote.for === claim).length > voters.length / 2,
    );
    return voters.find(({ id }) => id === elected && elected !== undefined)?.name;
  }
}
