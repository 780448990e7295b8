/**
 * The part of kubeadm's ClusterConfiguration that our files use, as a JSON Schema without other fields. Taken from the
 * types of v1beta4 in Kubernetes (cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go), for which there is no package.
 */
const text = { type: 'string', minLength: 1 } as const;

function closed(properties: object, required = Object.keys(properties)): object {
  return { type: 'object', additionalProperties: false, properties, required };
}

const argument = closed({
  name: { ...text, pattern: '^[a-z][a-z-]*$' },
  value: { type: 'string' },
});

const external = closed({
  endpoints: { type: 'array', minItems: 1, items: { ...text, pattern: '^https://' } },
  ...{ caFile: text, certFile: text, keyFile: text },
});

export const clusterConfiguration = closed(
  {
    apiVersion: { const: 'kubeadm.k8s.io/v1beta4' },
    kind: { const: 'ClusterConfiguration' },
    apiServer: closed({ extraArgs: { type: 'array', items: argument } }),
    etcd: closed({ external }),
  },
  ['apiVersion', 'kind'],
);
