/** All contestants, in the order of the table. */
import type { Contestant } from './contestant.ts';
import { direct } from './direct.ts';
import { etcdLb } from './etcd-lb.ts';
import { gateway } from './gateway.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';

export const contestants: readonly Contestant[] = [direct, gateway, nginx, haproxy, etcdLb];
