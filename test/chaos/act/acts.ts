/** How each fault is carried out. */
import type { FaultName } from '../schedule/faults.ts';
import * as balancer from './balancer.ts';
import * as list from './list.ts';
import * as members from './members.ts';
import * as network from './network.ts';
import type { Act } from './scene.ts';

export const acts: Readonly<Record<FaultName, Act>> = {
  kill: members.kill,
  term: members.term,
  restart: members.restart,
  stop: members.stop,
  'slow-disk': members.slowDisk,
  defragment: members.defragment,
  compact: members.compact,
  'no-space': members.noSpace,
  'etcd-move-leader': members.etcdMoveLeader,
  'cut-balancer': network.cutBalancer,
  'cut-peers': network.cutPeers,
  'cut-all': network.cutAll,
  'lossy-balancer': network.lossyBalancer,
  'lossy-peers': network.lossyPeers,
  'reset-balancer': network.resetBalancer,
  slow: network.slow,
  'names-vanish': network.namesVanish,
  'names-change': network.namesChange,
  'names-silent': network.namesSilent,
  add: list.add,
  remove: list.remove,
  replace: list.replace,
  drain: balancer.drain,
  'move-leader': balancer.moveLeader,
  rebalance: balancer.rebalance,
  reload: balancer.changeSettings,
  'close-sessions': balancer.closeSessions,
  'log-level': balancer.logLevel,
  scrapes: balancer.scrapes,
  handover: balancer.handover,
  'kill-balancer': balancer.killBalancer,
  descriptors: balancer.descriptors,
  starve: balancer.starve,
};
