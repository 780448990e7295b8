import { describe, expect, test } from 'vitest';
import { envName, options } from '../../../../src/config/options.ts';
import { readEnvironment } from '../../../../src/config/sources/environment.ts';

describe('the environment', () => {
  test('has a variable for every setting', () => {
    const env = Object.fromEntries(options.map(({ name }) => [envName(name), `of ${name}`]));
    const source = readEnvironment({ ...env, PATH: '/bin', ETCD_NAME: 'm0' });
    expect([...source.keys()]).toEqual(options.map(({ name }) => name));
    expect(source.get('check-interval')).toEqual({
      value: 'of check-interval',
      origin: { from: 'env', detail: 'ETCD_LB_CHECK_INTERVAL' },
    });
  });

  test('has no setting where a variable is empty', () => {
    expect(readEnvironment({ ETCD_LB_LISTEN: '' }).size).toBe(0);
  });

  test('refuses what is no setting', () => {
    expect(() => readEnvironment({ ETCD_LB_LISTN: 'x' })).toThrow(
      'ETCD_LB_LISTN is not a setting; did you mean ETCD_LB_LISTEN?',
    );
    expect(() => readEnvironment({ ETCD_LB_FROBNICATE: 'x' })).toThrow(
      'ETCD_LB_FROBNICATE is not a setting; unset it.',
    );
  });

  test('ignores what Kubernetes says about Services called etcd-lb and etcd-lb-metrics', () => {
    const links = {
      ETCD_LB_SERVICE_HOST: '10.96.0.10',
      ETCD_LB_SERVICE_PORT: '2379',
      ETCD_LB_SERVICE_PORT_CLIENT: '2379',
      ETCD_LB_PORT: 'tcp://10.96.0.10:2379',
      ETCD_LB_PORT_2379_TCP: 'tcp://10.96.0.10:2379',
      ETCD_LB_PORT_2379_TCP_PROTO: 'tcp',
      ETCD_LB_PORT_2379_TCP_PORT: '2379',
      ETCD_LB_PORT_2379_TCP_ADDR: '10.96.0.10',
      ETCD_LB_METRICS_SERVICE_HOST: '10.96.0.11',
      ETCD_LB_METRICS_PORT_9379_TCP: 'tcp://10.96.0.11:9379',
    };
    expect(readEnvironment(links).size).toBe(0);
  });
});
