import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leader } from '../../../../src/balancing/policies/leader.ts';
import { leastConnections } from '../../../../src/balancing/policies/least-connections.ts';
import { membersWith, seeded } from '../members.ts';

const anyCase = fc.record({
  loads: fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }),
  leads: fc.option(fc.nat(8), { nil: undefined }),
  tried: fc.array(fc.nat(8)),
});

test('whoever leads is chosen, however loaded; without one it is as least connections', () => {
  fc.assert(
    fc.property(anyCase, fc.integer(), ({ loads, leads, tried }, seed) => {
      const members = membersWith(...loads);
      const leading = leads === undefined ? undefined : members[leads];
      if (leading !== undefined) leading.leads = true;
      const gone = members.filter((_, index) => tried.includes(index));
      const chosen = leader(seeded(seed))(members, gone);
      if (leading !== undefined && !gone.includes(leading)) expect(chosen).toBe(leading);
      else expect(chosen).toBe(leastConnections(seeded(seed))(members, gone));
    }),
  );
});
