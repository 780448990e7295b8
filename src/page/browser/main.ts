/**
 * The status page: news come in, and every part of the page shows its share of them.
 *
 *   /events ──► status ──► verdict, facts, cards, spread
 *           ├─► checks ──► the plots in the cards
 *           └─► event  ──► time line
 *
 * Wires the parts together; what is shown is as old as the last news, and times count on by themselves.
 */
import { byId, setText } from './element.ts';
import { FactList } from './fact-list.ts';
import { Headline } from './headline.ts';
import { Keyed } from './keyed.ts';
import { MemberCard, type Shown } from './member-card.ts';
import { listen } from './news.ts';
import { SpreadBars } from './spread-bars.ts';
import { duration } from './time.ts';
import { TimeLine } from './time-line.ts';
import { verdictOf } from './verdict.ts';
import type { ChecksNews, News } from './wire.ts';

const headline = new Headline();
const facts = new FactList(byId('facts'));
const spread = new SpreadBars(byId('spread'));
const timeLine = new TimeLine({
  list: byId('events'),
  member: byId('filter-member') as HTMLSelectElement,
  level: byId('filter-level') as HTMLSelectElement,
  count: byId('event-count'),
  none: byId('no-events'),
});
const plotted = new Map<string, MemberCard>();
const cards = new Keyed<Shown>(
  byId('cards'),
  ({ member }) => member.name,
  ({ member: { name } }) => {
    const card = new MemberCard(name);
    plotted.set(name, card);
    card.addChecks(untold[name] ?? []);
    return card;
  },
);
/** Checks of members whose card is yet to come with the first status. */
let untold: ChecksNews = {};
/** By how much the balancer's clock is ahead of this machine's, ms. */
let ahead = 0;
/** Runs while there is a hold, which is told by tenths of a second. */
let holdTimer: ReturnType<typeof setInterval> | undefined;

/** ms since the epoch, by the balancer's clock. */
function clock(): number {
  return Date.now() + ahead;
}

function showStatus(news: News): void {
  ahead = Date.parse(news.at) - Date.now();
  headline.verdict(verdictOf(news), clock());
  facts.show(news);
  cards.show(news.members.map((member) => ({ member, news })));
  spread.show(news);
  setText(byId('listen'), news.listen.join(', '));
  setText(byId('identity'), identityOf(news));
  byId('news').hidden = false;
  countHold(news.hold.current !== undefined);
}

/** Without news nobody knows whether it lasts. */
function countHold(isHeld: boolean): void {
  if (isHeld) {
    holdTimer ??= setInterval(tickHold, 100);
    return;
  }
  clearInterval(holdTimer);
  holdTimer = undefined;
}

function tickHold(): void {
  headline.tick(clock());
  for (const card of plotted.values()) card.tick(clock());
}

function identityOf({ version, node, pid, policy, copier, startedAt, at }: News): string {
  const up = duration(Date.parse(at) - Date.parse(startedAt));
  return `etcd-lb ${version}, Node ${node.replace(/^v/, '')}, process ${pid}, up for ${up}; ${policy}, ${copier}`;
}

function showChecks(checks: ChecksNews): void {
  untold = plotted.size === 0 ? checks : {};
  for (const [name, some] of Object.entries(checks)) plotted.get(name)?.addChecks(some);
}

listen('events', {
  onConnection: (connection) => {
    headline.connection(connection, clock());
    if (connection.kind === 'lost') countHold(false);
  },
  onStatus: showStatus,
  onChecks: showChecks,
  onEvent: (event, id) => timeLine.add(event, id),
});
setInterval(() => {
  headline.tick(clock());
  timeLine.tick(clock());
}, 1_000);
