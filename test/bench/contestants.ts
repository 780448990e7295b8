/** The contestants of the benchmark, in the order of the tables. */
import { join } from 'node:path';
import type { Contestant } from '../contestants/contestant.ts';
import { direct } from '../contestants/direct.ts';
import { EtcdLb } from '../contestants/etcd-lb.ts';
import { gateway } from '../contestants/gateway.ts';
import { haproxy } from '../contestants/haproxy.ts';
import { nginx } from '../contestants/nginx.ts';
import { nodeTcpProxy } from '../contestants/node-tcp-proxy.ts';

/** What `npm run build` makes: etcd-lb as it is shipped, compiled before as it is in the image. */
const bundle = join(import.meta.dirname, '../../dist/etcd-lb.js');
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../.cache/compiled') };

const shipped: Contestant = {
  name: 'etcd-lb',
  start: (endpoints, options) =>
    EtcdLb.start(endpoints, { ...options, env: { ...options.env, ...env } }, bundle),
};

export const contestants: readonly Contestant[] = [
  ...[direct, haproxy, nginx, gateway, nodeTcpProxy, shipped],
];
