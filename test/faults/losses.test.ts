/** Members die, hang, are cut off: what clients of etcd-lb see of it. */
import { testFaults } from './abridged.ts';
import { losses } from './faults.ts';

testFaults(losses);
