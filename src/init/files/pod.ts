/** The static pod's manifest: config/kubernetes/etcd-lb.yaml with what this node needs. Pure. */
import { posix } from 'node:path';
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { manifests } from '../node/node.ts';
import { configFile, type Plan } from '../plan.ts';

/** Where the manifest is written: in `manifests` the kubelet would start it at once. */
export const podFile = '/etc/etcd-lb/etcd-lb-pod.yaml';
/** Where the kubelet finds it. */
export const startedPodFile = `${manifests}/etcd-lb.yaml`;

/** Flags of the template that are settings of the file here. */
const inFile = /^--(listen|endpoints|cacert|cert|key|observe)=/;
/** Volumes of the template, and the settings that they are for. */
const volumes = { 'etcd-ca': 'cacert', 'client-certificate': 'cert', 'client-key': 'key' } as const;

/** @param image in place of the template's, if given. */
export function podOf(template: string, plan: Plan, image: string | undefined): string {
  const body = template.replace(/^(?:#.*\n)+/, '');
  const document = parseDocument(body);
  const container = ['spec', 'containers', 0];
  const list = (...path: (string | number)[]): YAMLSeq => {
    const found = document.getIn(path);
    if (!isSeq(found)) throw new Error(`the template of the pod has no ${path.join('.')}`);
    return found;
  };
  const args = list(...container, 'args');
  args.items = args.items.filter((item) => !(isScalar(item) && inFile.test(String(item.value))));
  args.items.splice(1, 0, document.createNode(`--config=${configFile}`));
  for (const [index, { port }] of [plan.listen, plan.observe].entries()) {
    for (const key of ['containerPort', 'hostPort']) {
      document.setIn([...container, 'ports', index, key], port);
    }
    document.setIn([...container, 'ports', index, 'hostIP'], '127.0.0.1');
  }
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    document.setIn([...container, probe, 'httpGet', 'port'], plan.observe.port);
  }
  if (image !== undefined) document.setIn([...container, 'image'], image);

  const mounts = list(...container, 'volumeMounts');
  const hosts = list('spec', 'volumes');
  for (const [name, setting] of Object.entries(volumes)) {
    const path = plan.certificates[setting]?.path;
    setPath(mounts, name, ['mountPath'], path);
    setPath(hosts, name, ['hostPath', 'path'], path);
  }
  const folder = posix.dirname(configFile);
  const mount = document.createNode({ name: 'settings', mountPath: folder, readOnly: true });
  mount.commentBefore =
    ' The settings; as a folder, so that a file that an editor replaced is seen.\n After a change: etcd-lb reload.';
  mounts.items.unshift(mount);
  hosts.items.unshift(
    document.createNode({ name: 'settings', hostPath: { path: folder, type: 'Directory' } }),
  );
  return head + document.toString({ lineWidth: 0 });
}

const head = `# etcd-lb as a static pod of this node, written by etcd-lb init. The kubelet starts it when it is copied
# to ${startedPodFile}. Its settings are in ${configFile}; the ports
# below are those of listen and observe there.
`;

/** Sets a path of the item called `name`, or takes the item out where there is none. */
function setPath(
  list: YAMLSeq,
  name: string,
  key: readonly string[],
  path: string | undefined,
): void {
  const item = list.items.find((each): each is YAMLMap => isMap(each) && each.get('name') === name);
  if (item === undefined) throw new Error(`the template of the pod has no ${name}`);
  if (path === undefined) list.items = list.items.filter((each) => each !== item);
  else item.setIn(key, path);
}
