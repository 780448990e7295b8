/**
 * The output of the demo: lines that scroll, and below them a block that is repainted.
 *
 * On a terminal the block stays at the bottom and is repainted in place; elsewhere it is printed
 * as part of the text each time. Owns standard output while the demo runs.
 */
import { formatBytes } from '../lib/text/quantities.ts';
import type { Status } from '../observe/status.ts';
import type { ClientFigures } from './clients.ts';

export class View {
  readonly #terminal = process.stdout.isTTY === true;
  #block: readonly string[] = [];

  /** Adds a line above the block. */
  print(line = ''): void {
    this.#erase();
    process.stdout.write(`${line}\n`);
    this.#paint();
  }

  /** Replaces the block; on a pipe it is printed each time. */
  show(block: readonly string[]): void {
    this.#erase();
    this.#block = block;
    this.#paint();
  }

  /** Leaves the block where it is; what follows is printed below it. */
  end(): void {
    this.#block = [];
  }

  #erase(): void {
    if (this.#terminal && this.#block.length > 0) {
      process.stdout.write(`\u001b[${this.#block.length}A\u001b[J`);
    }
  }

  #paint(): void {
    // A wrapped line would count as two when the cursor moves up again.
    const width = this.#terminal ? process.stdout.columns : Number.POSITIVE_INFINITY;
    for (const line of this.#block) process.stdout.write(`${line.slice(0, width - 1)}\n`);
    if (!this.#terminal) this.#block = [];
  }
}

/** The state of the demo at one moment. `at` in ms. */
export interface Frame {
  readonly at: number;
  readonly status: Status;
  readonly leader: string | undefined;
  readonly requests: number;
}

/** One line per member and one for the clients. `before` is the previous frame, for rates. */
export function renderBlock(
  frame: Frame,
  before: Frame | undefined,
  figures: ClientFigures,
): string[] {
  const seconds = before === undefined ? 0 : (frame.at - before.at) / 1000;
  const rate = (now: number, then: number): number => (seconds > 0 ? (now - then) / seconds : 0);
  const members = frame.status.members.map((member, index) => {
    const earlier = before?.status.members[index];
    const total = member.bytesFromClients + member.bytesFromMember;
    const past = earlier ? earlier.bytesFromClients + earlier.bytesFromMember : total;
    return [
      `  ${member.name}`,
      member.state.padEnd(10),
      (member.name === frame.leader && member.acceptsNew ? 'leader' : '').padEnd(6),
      `${member.sessions}`.padStart(3),
      'connections',
      `${formatBytes(rate(total, past), true)}/s`.padStart(9),
      member.evidence ? ` ${member.evidence.detail}` : '',
    ].join('  ');
  });
  const perSecond = Math.round(rate(frame.requests, before?.requests ?? frame.requests));
  const clients = [
    `  ${figures.clients} clients`,
    `${perSecond} requests/s`,
    `${figures.ok} ok`,
    `${figures.failed} failed`,
    `slowest ${Math.round(figures.slowest)} ms`,
  ].join('  ');
  return ['', ...members, clients];
}
