/** One member as a card: its state and why, what goes through it, and how quickly it answers. */
import { quotaShare } from '../../../etcd/status/quota.ts';
import { lagOf } from '../../../observe/lag.ts';
import { bytes, percent } from '../lib/amounts.ts';
import {
  arrange,
  element,
  icon,
  setAttribute,
  setIcon,
  setText,
  showText,
} from '../lib/element.ts';
import { clock, duration } from '../lib/time.ts';
import type { MemberReport, PastCheck, StatusUpdate } from '../wire.ts';
import { conditionOf, holdOf, lagInWords, reasonsOf } from './condition.ts';
import { outcome } from './latency.ts';
import { LatencyPlot } from './latency-plot.ts';
import { Rates } from './rates.ts';

/** A member and what else its card needs. */
export interface Shown {
  readonly member: MemberReport;
  readonly status: StatusUpdate;
}

export class MemberCard {
  readonly root: HTMLLIElement;
  readonly plot: LatencyPlot;
  readonly #icon = icon('unknown');
  readonly #word = element('span', { class: 'word' });
  readonly #since = element('time', { class: 'since' });
  readonly #leader: HTMLElement;
  readonly #endpoint = element('p', { class: 'endpoint' });
  readonly #reasons = element('ul', { class: 'reasons' });
  readonly #figures = new Map<string, HTMLElement>();
  /** Beside the size of the database. */
  readonly #quota = element('small');
  readonly #latency = element('span', { class: 'figure' });
  readonly #rates = new Rates();
  #shown: Shown | undefined;

  constructor(name: string) {
    this.plot = new LatencyPlot(name);
    this.#leader = element('span', { class: 'leader' }, icon('leader'), 'leader');
    const heading = element('h3', {}, name);
    const figures = element('dl', { class: 'figures' });
    for (const label of [
      'Sessions',
      'Calls in flight',
      'From clients',
      'To clients',
      'Database',
      'Raft lag',
    ]) {
      const value = element('span', {}, '–');
      this.#figures.set(label, value);
      const beside = label === 'Database' ? [' ', this.#quota] : [];
      const shown = element('dd', {}, value, ...beside);
      figures.append(element('div', {}, element('dt', {}, label), shown));
    }
    this.root = element(
      'li',
      { class: 'card' },
      element('div', { class: 'card-head' }, heading, this.#leader),
      element('p', { class: 'condition' }, this.#icon, this.#word, ' ', this.#since),
      this.#reasons,
      figures,
      element(
        'div',
        { class: 'latency' },
        element('p', { class: 'caption' }, element('span', {}, 'Check latency'), this.#latency),
        this.plot.root,
      ),
      this.#endpoint,
    );
  }

  show(shown: Shown): void {
    const { member, status } = shown;
    this.#shown = shown;
    const now = Date.parse(status.at);
    const condition = conditionOf(member, holdOf(member, status));
    setAttribute(this.root, 'data-tone', condition.tone);
    setAttribute(this.root, 'data-state', member.state);
    setIcon(this.#icon, condition.icon);
    setText(this.#word, condition.word);
    this.#showSince(condition.since, now);
    const leads = status.cluster.leader === member.name && member.unknown === undefined;
    this.#leader.toggleAttribute('hidden', !leads);
    this.tick(now);
    this.#showFigures(member, status);
    const { endpoint, address, etcd } = member;
    const version = etcd === undefined ? '' : ` · etcd ${etcd.version}`;
    setText(this.#endpoint, `${endpoint}${address === undefined ? '' : ` (${address})`}${version}`);
  }

  /**
   * What counts on by itself.
   *
   * @param now ms since the epoch, by the balancer's clock.
   */
  tick(now: number): void {
    if (this.#shown === undefined) return;
    const { member, status } = this.#shown;
    this.#showReasons(reasonsOf(member, now, holdOf(member, status)));
  }

  addChecks(checks: readonly PastCheck[]): void {
    this.plot.add(checks);
    const { last } = this.plot;
    showText(this.#latency, last && outcome(last));
  }

  close(): void {
    this.plot.close();
  }

  #showSince(since: string | undefined, now: number): void {
    showText(this.#since, since && `for ${duration(now - Date.parse(since))}`);
    if (since === undefined) return;
    setAttribute(this.#since, 'datetime', since);
    setAttribute(this.#since, 'title', `since ${clock(new Date(since), new Date(now))}`);
  }

  #showReasons(reasons: readonly string[]): void {
    this.#reasons.toggleAttribute('hidden', reasons.length === 0);
    arrange(
      this.#reasons,
      reasons.map((reason, index) => {
        const line = this.#reasons.children[index] ?? element('li');
        setText(line, reason);
        return line;
      }),
    );
  }

  #showFigures(member: MemberReport, status: StatusUpdate): void {
    const { bytesFromClients, bytesFromMember, calls, etcd } = member;
    const isUsed = member.sessions > 0;
    const rates = this.#rates.take(Date.parse(status.at), [bytesFromClients, bytesFromMember]);
    const [up = 0, down = 0] = rates ?? [];
    const lag = lagOf(member, status.members);
    // What was last known of it is not shown as if it were of now.
    const known = member.unknown === undefined ? etcd : undefined;
    const why = isUsed ? 'not known' : 'no sessions';
    this.#figure('Sessions', member.sessions.toLocaleString('en'));
    this.#figure('Calls in flight', isUsed ? calls?.inFlight.toLocaleString('en') : undefined, why);
    this.#figure('From clients', isUsed && rates ? `${bytes(up)}/s` : undefined, why);
    this.#figure('To clients', isUsed && rates ? `${bytes(down)}/s` : undefined, why);
    this.#figure('Database', known && bytes(known.dbSize));
    const share = known && quotaShare(known);
    showText(this.#quota, share === undefined ? undefined : percent(share));
    setAttribute(this.#quota, 'title', `of its quota, ${bytes(known?.dbQuota ?? 0)}`);
    this.#figure('Raft lag', lag === undefined ? undefined : lagInWords(lag));
  }

  /** @param why there is no text. */
  #figure(label: string, text: string | undefined, why = 'not known'): void {
    const value = this.#figures.get(label);
    if (value === undefined) return;
    setText(value, text ?? '–');
    setAttribute(value, 'title', text === undefined ? why : undefined);
  }
}
