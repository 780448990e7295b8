/** What every manifest of etcd-lb must be, the shipped one and what `etcd-lb init` makes of it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Container, Pod } from 'kubernetes-types/core/v1.d.ts';
import { expect } from 'vitest';
import type { Balancer } from '../support/balancer.ts';

const root = join(import.meta.dirname, '../..');

/** What the compiler says of fields that Kubernetes does not have, or that are of another type; empty for none. */
export async function typeErrorsOf(pod: Pod): Promise<string> {
  // Within the repository, where the types are found.
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache/pod-'));
  try {
    const file = join(folder, 'pod.ts');
    const source = `import type { Pod } from 'kubernetes-types/core/v1';\nexport const pod: Pod = `;
    await writeFile(file, `${source}${JSON.stringify(pod)};\n`);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
    const { stdout } = await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), [
      ...options,
      ...['--module', 'esnext', '--moduleResolution', 'bundler', file],
    ]).catch((error: { stdout: string }) => error);
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** It sees `read`, writes to `written`, in this order, and has nothing else of the node. */
export function expectMounts(pod: Pod, read: readonly string[], written: readonly string[]): void {
  const mounts = containerOf(pod).volumeMounts ?? [];
  expect(mounts.map(({ mountPath }) => mountPath)).toEqual([...read, ...written]);
  const writable = mounts.filter(({ readOnly }) => readOnly !== true);
  expect(writable.map(({ mountPath }) => mountPath)).toEqual(written);
  const paths = new Map(pod.spec?.volumes?.map(({ name, hostPath }) => [name, hostPath?.path]));
  expect(mounts.map(({ name }) => paths.get(name))).toEqual(
    mounts.map(({ mountPath }) => mountPath),
  );
}

export function expectFewRights(pod: Pod): void {
  expect(containerOf(pod).securityContext).toEqual({
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(pod.spec).toMatchObject({
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    automountServiceAccountToken: false,
  });
}

/** Asks a running balancer what its probes ask (start, alive, ready), and says where they would. */
export async function probe(
  pod: Pod,
  balancer: Balancer,
): Promise<{ codes: number[]; addresses: string[] }> {
  const { startupProbe, livenessProbe, readinessProbe } = containerOf(pod);
  const asked = [startupProbe, livenessProbe, readinessProbe].map((each) => each?.httpGet);
  const answers = asked.map((get) => fetch(balancer.observeUrl + get?.path));
  const codes = (await Promise.all(answers)).map(({ status }) => status);
  return { codes, addresses: asked.map((get) => `${get?.host}:${get?.port}`) };
}

function containerOf(pod: Pod): Container {
  return pod.spec?.containers[0] as Container;
}
