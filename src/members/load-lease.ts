/**
 * A share in a member's load: a dial takes it, its session takes it over, and it is given back once, whoever
 * does so, and however often.
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
