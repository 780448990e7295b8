/**
 * Manifests as kubeadm writes them: of v1.29 for a first node with etcd stacked on it, of v1.33 for a node that joined as
 * the third, and of v1.33 for a node whose etcd is external.
 */

interface EtcdValues {
  readonly name: string;
  /** Its client URL. */
  readonly url: string;
  readonly listen: readonly string[];
  readonly peer: string;
  readonly initial: string;
}

const pki = '/etc/kubernetes/pki';
const cp1: EtcdValues = {
  name: 'cp1',
  url: 'https://10.0.0.1:2379',
  listen: ['https://127.0.0.1:2379', 'https://10.0.0.1:2379'],
  peer: 'https://10.0.0.1:2380',
  initial: 'cp1=https://10.0.0.1:2380',
};
const cp3: EtcdValues = {
  name: 'cp3',
  url: 'https://10.0.0.3:2379',
  listen: ['https://127.0.0.1:2379', 'https://10.0.0.3:2379'],
  peer: 'https://10.0.0.3:2380',
  initial: 'cp2=https://10.0.0.2:2380,cp1=https://10.0.0.1:2380,cp3=https://10.0.0.3:2380',
};

/** etcd.yaml of v1.29. */
export function etcd129(values: Partial<EtcdValues> = {}): string {
  const all = { ...cp1, ...values };
  return `${etcdHead(all)}
    - --initial-cluster=${all.initial}
${etcdFlags(all)}
    image: registry.k8s.io/etcd:3.5.10-0
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 8
      httpGet:
        host: 127.0.0.1
        path: /health?exclude=NOSPACE&serializable=true
        port: 2381
        scheme: HTTP
      initialDelaySeconds: 10
      periodSeconds: 10
      timeoutSeconds: 15
    name: etcd
    resources:
      requests:
        cpu: 100m
        memory: 100Mi
    startupProbe:
      failureThreshold: 24
      httpGet:
        host: 127.0.0.1
        path: /health?serializable=false
        port: 2381
        scheme: HTTP
      initialDelaySeconds: 10
      periodSeconds: 10
      timeoutSeconds: 15
${etcdTail}`;
}

/** etcd.yaml of v1.33, of a node that joined. */
export function etcd133(values: Partial<EtcdValues> = {}): string {
  const all = { ...cp3, ...values };
  return `${etcdHead(all)}
    - --initial-cluster=${all.initial}
    - --initial-cluster-state=existing
${etcdFlags(all)}
    image: registry.k8s.io/etcd:3.5.21-0
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 8
      httpGet:
        host: 127.0.0.1
        path: /livez
        port: probe-port
        scheme: HTTP
      initialDelaySeconds: 10
      periodSeconds: 10
      timeoutSeconds: 15
    name: etcd
    ports:
    - containerPort: 2381
      name: probe-port
      protocol: TCP
    readinessProbe:
      failureThreshold: 3
      httpGet:
        host: 127.0.0.1
        path: /readyz
        port: probe-port
        scheme: HTTP
      periodSeconds: 1
      timeoutSeconds: 15
    resources:
      requests:
        cpu: 100m
        memory: 100Mi
${etcdTail}`;
}

function etcdHead({ url, peer }: EtcdValues): string {
  return `apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/etcd.advertise-client-urls: ${url}
  creationTimestamp: null
  labels:
    component: etcd
    tier: control-plane
  name: etcd
  namespace: kube-system
spec:
  containers:
  - command:
    - etcd
    - --advertise-client-urls=${url}
    - --cert-file=${pki}/etcd/server.crt
    - --client-cert-auth=true
    - --data-dir=/var/lib/etcd
    - --experimental-initial-corrupt-check=true
    - --experimental-watch-progress-notify-interval=5s
    - --initial-advertise-peer-urls=${peer}`;
}

function etcdFlags({ name, listen, peer }: EtcdValues): string {
  return `    - --key-file=${pki}/etcd/server.key
    - --listen-client-urls=${listen.join()}
    - --listen-metrics-urls=http://127.0.0.1:2381
    - --listen-peer-urls=${peer}
    - --name=${name}
    - --peer-cert-file=${pki}/etcd/peer.crt
    - --peer-client-cert-auth=true
    - --peer-key-file=${pki}/etcd/peer.key
    - --peer-trusted-ca-file=${pki}/etcd/ca.crt
    - --snapshot-count=10000
    - --trusted-ca-file=${pki}/etcd/ca.crt`;
}

const etcdTail = `    volumeMounts:
    - mountPath: /var/lib/etcd
      name: etcd-data
    - mountPath: ${pki}/etcd
      name: etcd-certs
  hostNetwork: true
  priority: 2000001000
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
  volumes:
  - hostPath:
      path: ${pki}/etcd
      type: DirectoryOrCreate
    name: etcd-certs
  - hostPath:
      path: /var/lib/etcd
      type: DirectoryOrCreate
    name: etcd-data
status: {}
`;

/** kube-apiserver.yaml where etcd is stacked. */
export function apiserver(servers: readonly string[] = ['https://127.0.0.1:2379']): string {
  return apiserverWith(servers, [
    `--etcd-cafile=${pki}/etcd/ca.crt`,
    `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
    `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
  ]);
}

/** The client certificate of an external etcd, as kubeadm is told of it. */
export const external = {
  cacert: '/etc/etcd/pki/ca.crt',
  cert: '/etc/etcd/pki/client.crt',
  key: '/etc/etcd/pki/client.key',
} as const;

/** kube-apiserver.yaml where etcd is external. */
export function externalApiserver(
  servers: readonly string[] = [1, 2, 3].map((host) => `https://10.0.1.${host}:2379`),
): string {
  return apiserverWith(servers, [
    `--etcd-cafile=${external.cacert}`,
    `--etcd-certfile=${external.cert}`,
    `--etcd-keyfile=${external.key}`,
  ]);
}

function apiserverWith(servers: readonly string[], etcd: readonly string[]): string {
  return `apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 10.0.0.1:6443
  creationTimestamp: null
  labels:
    component: kube-apiserver
    tier: control-plane
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - command:
    - kube-apiserver
    - --advertise-address=10.0.0.1
    - --allow-privileged=true
    - --authorization-mode=Node,RBAC
    - --client-ca-file=${pki}/ca.crt
    - --enable-admission-plugins=NodeRestriction
    - --enable-bootstrap-token-auth=true
${etcd.map((flag) => `    - ${flag}\n`).join('')}    - --etcd-servers=${servers.join()}
    - --secure-port=6443
    - --service-cluster-ip-range=10.96.0.0/12
    - --tls-cert-file=${pki}/apiserver.crt
    - --tls-private-key-file=${pki}/apiserver.key
    image: registry.k8s.io/kube-apiserver:v1.33.1
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 8
      httpGet:
        host: 10.0.0.1
        path: /livez
        port: 6443
        scheme: HTTPS
    name: kube-apiserver
    resources:
      requests:
        cpu: 250m
    volumeMounts:
    - mountPath: ${pki}
      name: k8s-certs
      readOnly: true
  hostNetwork: true
  priorityClassName: system-node-critical
  volumes:
  - hostPath:
      path: ${pki}
      type: DirectoryOrCreate
    name: k8s-certs
status: {}
`;
}
