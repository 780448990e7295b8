/**
 * Calls: what following the frames both ways shows of a session whose bytes are plain HTTP/2.
 *
 *   client  HEADERS ─► stream open      … END_STREAM ─► call in flight
 *   member  HEADERS ─► first byte       … END_STREAM or RST_STREAM ─► over
 *
 * A call is in flight from the end of the request to the end of the answer. A stream on which the client
 * may still send, such as a watch or a lease's keep-alive, is open but not in flight: etcd's clients resume
 * it on another connection and miss nothing.
 *
 * This file also holds the GOAWAY frame, and finds where in the member's bytes it may be injected. drainer.ts
 * decides when a client is asked to leave.
 */
import type { Member } from '../../members/member.ts';
import type { Follower } from '../relay/copier.ts';
import type { CallFigures } from './call-figures.ts';
import {
  acknowledgement,
  clientPreface,
  endStream,
  FrameFollower,
  frameTypes,
  serverPreface,
} from './frames.ts';
import { goAway } from './goaway.ts';
import { OpenStreams } from './open-streams.ts';

/** `unknown` until both sides have sent a frame. `lost`: not valid HTTP/2, or too many open streams. */
export type CallsState = 'unknown' | 'followed' | 'lost';

/** The state of the GOAWAY frame. The client acknowledges it by answering the PING behind it. */
export type GoAway = 'none' | 'pending' | 'sent' | 'acknowledged';

/** A stream younger than this, ms, may be a call whose request is not complete yet. */
const youth = 1_000;

/** A session with more open streams than this is no longer followed: one client must not take up all CPU time. */
export const mostStreams = 4_096;

/** Times are whole tenths of a ms. They fit a small integer, so a call allocates nothing. */
const tenths = 10;
const wrap = 0x3fffffff;
const now = (): number => (performance.now() * tenths) & wrap;
const since = (time: number): number => (now() - time) & wrap;

export class Calls implements Follower {
  readonly injection = goAway;
  readonly #member: Member;
  readonly #figures: CallFigures;
  readonly #fromClient = new FrameFollower(clientPreface, (type, flags, id) => {
    this.#asked(type, flags, id);
  });
  readonly #fromMember = new FrameFollower(serverPreface, (type, flags, id) => {
    this.#answered(type, flags, id);
  });
  /** When each open stream was opened; negative once the request is complete. */
  readonly #streams = new OpenStreams();
  #inFlight = 0;
  #isLost = false;
  /** PINGs of the member that the client has not acknowledged. */
  #pings = 0;
  #goAway: GoAway = 'none';
  /** Acknowledgements until that of our PING: a client sends them in order. */
  #acknowledgementsLeft = 0;

  /** @param figures those of the member; all its sessions share them. */
  constructor(member: Member, figures: CallFigures) {
    this.#member = member;
    this.#figures = figures;
  }

  get state(): CallsState {
    if (this.#isLost) return 'lost';
    const known = this.#fromClient.state === 'frames' && this.#fromMember.state === 'frames';
    return known ? 'followed' : 'unknown';
  }

  get goAway(): GoAway {
    return this.#goAway;
  }

  /** Calls in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Would closing the session now break a call? */
  get isBusy(): boolean {
    if (this.#inFlight > 0) return true;
    // All other streams are older.
    const { newest } = this.#streams;
    return newest !== undefined && since(newest) < youth * tenths;
  }

  /** See `Follower`. */
  followClient(bytes: Uint8Array, count: number): void {
    if (this.#isLost) return;
    this.#fromClient.follow(bytes, count);
    if (this.#fromClient.state === 'lost') this.#giveUp();
  }

  /** See `Follower`. */
  followMember(bytes: Uint8Array, count: number): number {
    if (this.#isLost) return -1;
    const gap = this.#fromMember.follow(bytes, count);
    if (this.#fromMember.state === 'lost') this.#giveUp();
    if (gap < 0 || this.#goAway !== 'pending') return -1;
    this.#sent();
    return gap;
  }

  /**
   * Asks the client to leave, once. Returns true if the caller must inject `injection` now. If false,
   * `followMember` places it after the current frame, or it was already requested, or frames are not followed.
   */
  requestGoAway(): boolean {
    // When frames are no longer followed, it is unknown where one ends.
    if (this.#isLost || this.#goAway !== 'none') return false;
    this.#goAway = 'pending';
    if (!this.#fromMember.isBetweenFrames) return false;
    this.#sent();
    return true;
  }

  /** Ends all open streams: the session has ended, or is no longer followed. */
  end(): void {
    this.#member.calls -= this.#inFlight;
    this.#figures.streams -= this.#streams.size;
    this.#inFlight = 0;
    this.#streams.clear();
  }

  #sent(): void {
    this.#goAway = 'sent';
    this.#acknowledgementsLeft = this.#pings + 1;
  }

  #giveUp(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#figures.lost += 1;
    this.end();
  }

  #asked(type: number, flags: number, id: number): void {
    if (this.#isLost) return; // it was given up earlier in this chunk
    // Other HEADERS are trailers, perhaps of a stream that the member has already ended.
    if (type === frameTypes.headers && id > this.#streams.latest) this.#open(id);
    if (isEndOfStream(type, flags)) this.#askedAll(id);
    else if (type === frameTypes.resetStream) this.#close(id);
    else if (type === frameTypes.ping && (flags & acknowledgement) !== 0) this.#acknowledged();
  }

  #answered(type: number, flags: number, id: number): void {
    if (type === frameTypes.resetStream || isEndOfStream(type, flags)) this.#close(id);
    else if (type === frameTypes.headers) this.#began(id);
    else if (type === frameTypes.ping && (flags & acknowledgement) === 0) this.#pings += 1;
  }

  #open(id: number): void {
    if (this.#streams.size === mostStreams) {
      this.#giveUp();
      return;
    }
    this.#streams.add(id, now());
    this.#figures.started += 1;
    this.#figures.streams += 1;
  }

  #askedAll(id: number): void {
    const slot = this.#streams.find(id);
    if (slot < 0) return;
    const openedAt = this.#streams.valueAt(slot);
    if (openedAt < 0) return;
    this.#streams.setAt(slot, -openedAt - 1);
    this.#inFlight += 1;
    this.#member.calls += 1;
  }

  #began(id: number): void {
    const slot = this.#streams.find(id);
    if (slot < 0) return;
    const time = this.#streams.valueAt(slot);
    this.#figures.firstBytes.observe(since(time < 0 ? -time - 1 : time) / tenths);
  }

  #close(id: number): void {
    const slot = this.#streams.find(id);
    if (slot < 0) return;
    const time = this.#streams.valueAt(slot);
    this.#streams.deleteAt(slot);
    this.#figures.streams -= 1;
    if (time >= 0) return;
    this.#inFlight -= 1;
    this.#member.calls -= 1;
  }

  #acknowledged(): void {
    if (this.#goAway === 'sent') {
      this.#acknowledgementsLeft -= 1;
      if (this.#acknowledgementsLeft === 0) {
        this.#goAway = 'acknowledged';
        return;
      }
    }
    if (this.#pings > 0) this.#pings -= 1;
  }
}

function isEndOfStream(type: number, flags: number): boolean {
  const canEnd = type === frameTypes.headers || type === frameTypes.data;
  return canEnd && (flags & endStream) !== 0;
}
