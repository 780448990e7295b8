/** What is left to do, in order, with the commands to copy. Pure. */

import { podFile, startedPodFile } from './files/pod.ts';
import { program, service } from './files/unit.ts';
import { manifests } from './node/node.ts';
import { configFile, type Plan } from './plan.ts';

export interface Step {
  /** A sentence. */
  readonly what: string;
  /** A command, or the lines to write. */
  readonly command?: string;
}

export interface StepsInput {
  /** The image in the manifest, if it has to be replaced by one's own. */
  readonly imageToSet: string | undefined;
  /** Where this program is, if the unit does not find it. */
  readonly programToInstall: string | undefined;
}

/** The steps after the files are written. */
export function stepsOf(plan: Plan, input: StepsInput): Step[] {
  return [
    ...startOf(plan, input),
    {
      what: 'Wait until it says "ok".',
      command: `curl -s http://127.0.0.1:${plan.observe.port}/readyz`,
    },
    ...clientsOf(plan),
  ];
}

function startOf({ form }: Plan, { imageToSet, programToInstall }: StepsInput): Step[] {
  if (form === 'static-pod') {
    return [
      ...(imageToSet === undefined
        ? []
        : [
            {
              what: 'Name the image that you built; this node must be able to pull it, or have it.',
              command: `sed -i 's|${imageToSet}|YOUR-IMAGE|' ${podFile}`,
            },
          ]),
      {
        what: 'Have the kubelet start it; nothing uses it yet.',
        command: `cp ${podFile} ${startedPodFile}`,
      },
    ];
  }
  if (form === 'systemd') {
    return [
      ...(programToInstall === undefined
        ? []
        : [
            {
              what: 'Put the program where the unit expects it.',
              command: `install -m 755 ${programToInstall} ${program}`,
            },
          ]),
      {
        what: 'Make its user, and start it; nothing uses it yet.',
        command: `systemd-sysusers && systemctl daemon-reload && systemctl enable --now ${service}`,
      },
    ];
  }
  return [
    { what: 'Start it; nothing uses it yet.', command: `etcd-lb run --config ${configFile}` },
  ];
}

function clientsOf({ apiserver, url }: Plan): Step[] {
  if (apiserver === 'none') {
    return [{ what: 'Give clients this address in place of the members.', command: url }];
  }
  const others: Step = {
    what: 'Do the same on the other control-plane nodes, one at a time: run etcd-lb init there.',
  };
  const keep: Step = {
    what: 'Have kubeadm keep the flag at its next upgrade: etcd-servers in extraArgs of apiServer.',
    command: 'kubectl -n kube-system edit configmap kubeadm-config',
  };
  if (apiserver === 'here') {
    const what = `kube-apiserver goes to ${url} already (--etcd-servers): wait until it is ready.`;
    return [{ what, command: 'kubectl get --raw /readyz' }, others];
  }
  return [
    {
      what: `Change one flag in ${manifests}/kube-apiserver.yaml; the kubelet starts it again.`,
      command: `- --etcd-servers=${url}`,
    },
    { what: 'Wait until kube-apiserver is ready.', command: 'kubectl get --raw /readyz' },
    others,
    keep,
  ];
}
