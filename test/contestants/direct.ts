/** No balancer: every client is given every member. */
import { type Contestant, hostPort } from './contestant.ts';

export const direct: Contestant = {
  name: 'direct',
  start: async (endpoints) => ({
    addresses: endpoints.map(hostPort),
    [Symbol.asyncDispose]: async () => {},
  }),
};
