/** An operator: someone at the admin socket of a balancer, as the commands are. */
import { vi } from 'vitest';
import { AdminClient } from '../../src/admin/client.ts';
import type { Drained } from '../../src/admin/operations.ts';
import type { SessionStatus } from '../../src/admin/session-status.ts';
import type { MemberReport } from '../../src/observe/status.ts';

/** How long something may take that an operator waits for, ms. */
const patience = { timeout: 20_000, interval: 50 };

export class Operator {
  readonly client: AdminClient;

  constructor(socket: string) {
    this.client = new AdminClient(socket);
  }

  /** Drains a member and waits until no session is left there, as `drain --wait` does. */
  async drain(member: string, order: object = {}): Promise<Drained> {
    const drained = await this.client.post<Drained>(`/v1/members/${member}/drain`, order);
    await vi.waitUntil(async () => (await this.member(member)).sessions === 0, patience);
    return drained;
  }

  async undrain(member: string): Promise<void> {
    await this.client.post(`/v1/members/${member}/undrain`);
  }

  async member(name: string): Promise<MemberReport> {
    const found = (await this.client.status()).members.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} is no member`);
    return found;
  }

  sessions(member?: string): Promise<SessionStatus[]> {
    return this.client.get(`/v1/sessions${member === undefined ? '' : `?member=${member}`}`);
  }
}
