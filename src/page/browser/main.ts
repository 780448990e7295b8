/**
 * The status page: updates come in, and every part of the page shows its share of them.
 *
 *   /events ──► status ──► headline, facts, cards, spread
 *           ├─► checks ──► the plots in the cards
 *           └─► event  ──► event list
 *
 * Wires the parts together. What is shown is as old as the last update; times count on by themselves.
 */

import { FactList } from './cluster/fact-list.ts';
import { factsOf } from './cluster/facts.ts';
import { HeadlineView } from './cluster/headline-view.ts';
import { ownFactsOf } from './cluster/own-facts.ts';
import { listen } from './connection.ts';
import { EventList } from './events/event-list.ts';
import { byId, setText } from './lib/element.ts';
import { Keyed } from './lib/keyed.ts';
import { duration } from './lib/time.ts';
import { MemberCard, type Shown } from './members/member-card.ts';
import { SpreadBars } from './members/spread-bars.ts';
import type { ChecksUpdate, StatusUpdate } from './wire.ts';

const headline = new HeadlineView();
const facts = new FactList(byId('facts'));
const ownFacts = new FactList(byId('own-facts'));
const spread = new SpreadBars(byId('spread'));
const eventList = new EventList({
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
    card.addChecks(early[name] ?? []);
    return card;
  },
);
/** Checks that came before the first status, which makes the cards. */
let early: ChecksUpdate = {};
/** By how much the balancer's clock is ahead of this machine's, ms. */
let clockLead = 0;
/** Runs during a hold, whose time is shown in tenths of a second. */
let holdTimer: ReturnType<typeof setInterval> | undefined;

/** ms since the epoch, by the balancer's clock. */
function clock(): number {
  return Date.now() + clockLead;
}

function showStatus(status: StatusUpdate): void {
  clockLead = Date.parse(status.at) - Date.now();
  headline.show(status, clock());
  facts.show(factsOf(status));
  ownFacts.show(ownFactsOf(status));
  cards.show(status.members.map((member) => ({ member, status })));
  spread.show(status);
  setText(byId('name'), status.name);
  setText(byId('listen'), status.listen.join(', '));
  setText(byId('identity'), identityOf(status));
  byId('content').hidden = false;
  countHold(status.hold.current !== undefined);
}

/** Counts the time of a hold; not without updates, since nobody knows then whether it lasts. */
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

function identityOf(status: StatusUpdate): string {
  const { version, host, node, pid, policy, copier, startedAt, at } = status;
  const up = duration(Date.parse(at) - Date.parse(startedAt));
  return `etcd-lb ${version} on ${host}, Node ${node.replace(/^v/, '')}, process ${pid}, up for ${up}; ${policy}, ${copier}`;
}

function showChecks(checks: ChecksUpdate): void {
  early = plotted.size === 0 ? checks : {};
  for (const [name, some] of Object.entries(checks)) plotted.get(name)?.addChecks(some);
}

listen('events', {
  onConnection: (connection) => {
    headline.connection(connection, clock());
    if (connection.kind === 'lost') countHold(false);
  },
  onStatus: showStatus,
  onChecks: showChecks,
  onEvent: (event, id) => eventList.add(event, id),
});
setInterval(() => {
  headline.tick(clock());
  eventList.tick(clock());
}, 1_000);
