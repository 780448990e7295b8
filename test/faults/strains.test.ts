/** Slow members, rolling restarts, a starved balancer: what clients of etcd-lb see of it. */
import { testFaults } from './abridged.ts';
import { strains } from './faults.ts';

testFaults(strains);
