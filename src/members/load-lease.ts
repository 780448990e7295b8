/**
 * A unit of a member's load. A dial takes it and passes it to its session. It is released once, however often
 * `release` is called.
 */
import type { Member } from './member.ts';

export class LoadLease {
  readonly #member: Member;
  #isHeld = true;

  constructor(member: Member) {
    this.#member = member;
    member.load += 1;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#member.load -= 1;
  }
}
