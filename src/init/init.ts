/**
 * `etcd-lb init`: from a node to the files that put etcd-lb in front of its etcd.
 *
 *   node/ ──► members.ts ──► ask.ts ──► plan.ts ──► files/, steps.ts
 *   what the   candidates     the list   what, and    texts, written all or none
 *   files say                            why
 *
 * Owns the order, and which files there are. Looking and asking change nothing; only files/write.ts writes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { thisMachine } from '../config/collision.ts';
import { type Endpoint, formatEndpoint } from '../config/values/endpoint.ts';
import { splitList } from '../config/values/list.ts';
import { ConfigError } from '../lib/setting-error.ts';
import { ask, requireUsable } from './ask.ts';
import { type CertificateFiles, chooseCertificates, type GivenFiles } from './certificates.ts';
import { configurationOf } from './files/configuration.ts';
import { podFile, podOf, startedPodFile } from './files/pod.ts';
import { podTemplate, serviceTemplate, sysusersTemplate } from './files/templates.ts';
import * as unit from './files/unit.ts';
import { exists, type OutputFile } from './files/write.ts';
import { candidatesOf, membersHere, membersOf } from './members.ts';
import { lookAt, takenAmong } from './node/look.ts';
import type { Node } from './node/node.ts';
import { candidatePorts, configFile, type Form, forms, type Plan, planFor } from './plan.ts';
import { type Step, stepsOf } from './steps.ts';

export interface InitOptions extends GivenFiles {
  /** Where the node's files are: `/`, or the folder of an image. */
  readonly root: string;
  /** As the setting `endpoints`; empty to look for them. */
  readonly endpoints: readonly string[];
  /** Of `forms`; empty for the usual one. */
  readonly as: readonly string[];
  readonly image?: string;
  /** Is it only to be shown? Then files that are in the way are. */
  readonly isDryRun: boolean;
  /** Of this program, and where it is. */
  readonly version: string;
  readonly program: string;
}

export interface Prepared {
  /** What was found and what follows, as sentences. */
  readonly said: readonly string[];
  readonly files: readonly OutputFile[];
  readonly steps: readonly Step[];
  /** The certificates of the configuration, as they are called on this machine. */
  readonly certificates: GivenFiles;
}

/** Looks, asks and plans; writes nothing. Throws `ConfigError`. */
export async function prepare(options: InitOptions): Promise<Prepared> {
  const { root, cacert, cert, key } = options;
  const given = [cacert, cert, key].flatMap((path) => path ?? []);
  const node = lookAt(root, given);
  const form = formOf(options.as, node);
  // The steps lead there.
  const started = form === 'static-pod' ? [startedPodFile] : [];
  const inTheWay = [...targetsOf(form, root), ...started].filter((path) =>
    exists(join(root, path)),
  );
  const [first] = inTheWay;
  if (first !== undefined && !options.isDryRun) {
    throw new ConfigError(
      `${join(root, first)} exists, and init overwrites nothing; move it away, or see with --dry-run what would be written.`,
    );
  }
  requireUsable(below(root, options));
  const candidates = candidatesOf(node, {
    endpoints: options.endpoints,
    isSecure: given.length > 0,
  });
  const scheme = candidates[0]?.endpoint.scheme ?? 'https';
  const certificates = chooseCertificates(node, options, scheme);
  const onThisMachine = below(root, pathsOf(certificates));
  const endpoints = candidates.map(({ endpoint }) => endpoint);
  const members = membersOf(candidates, await ask(endpoints, onThisMachine));
  const here = [...(node.etcd ? [node.etcd.endpoint] : []), ...membersHere(members, thisMachine())];
  const taken = await takenAmong(candidatePorts(node));
  const plan = planFor({ form, node, members, certificates, scheme, here, taken });
  return {
    said: [
      options.endpoints.length > 0
        ? 'The members are those of --endpoints, and what they list.'
        : foundIn(node),
      members.why,
      plan.listen.why,
      ...plan.notes,
      ...inTheWay.map((path) => `${join(root, path)} exists: without --dry-run this is refused.`),
    ],
    files: filesOf(plan, node, options),
    steps: stepsOf(plan, {
      imageToSet: options.image === undefined ? templateImage() : undefined,
      programToInstall: hasProgram(root) ? undefined : options.program,
    }),
    certificates: onThisMachine,
  };
}

/** The usual form is a static pod where kubeadm has others, else the configuration alone. */
function formOf(as: readonly string[], { etcd, apiserver }: Node): Form {
  const words = splitList(as);
  const wrong = words.find((word) => !forms.some((form) => form === word));
  if (wrong !== undefined) {
    throw new ConfigError(`--as: ${JSON.stringify(wrong)} is none of ${forms.join(', ')}.`);
  }
  const started = forms.filter((form) => form !== 'config' && words.includes(form));
  if (started.length > 1) {
    throw new ConfigError(
      `--as: ${started.join(' and ')} would listen at the same address; write one of them.`,
    );
  }
  if (words.length > 0) return started[0] ?? 'config';
  return etcd || apiserver ? 'static-pod' : 'config';
}

function foundIn({ etcd, apiserver }: Node): string {
  if (etcd !== undefined) {
    const where = formatEndpoint(etcd.endpoint);
    return `This is a control-plane node of kubeadm with a member of its own: ${etcd.name} at ${where}.`;
  }
  const where = apiserver?.servers.map((server: Endpoint) => formatEndpoint(server)).join(', ');
  return `This is a control-plane node of kubeadm without a member; kube-apiserver goes to ${where}.`;
}

/** The paths that are written. */
function targetsOf(form: Form, root: string): string[] {
  if (form === 'static-pod') return [configFile, podFile];
  if (form === 'config') return [configFile];
  const others = unit.otherUnits.filter((name) => isInstalled(root, name));
  return [
    configFile,
    ...(isInstalled(root, unit.service) ? [] : [unit.servicePath, ...sysusers(root)]),
    ...[unit.service, ...others].map(unit.dropInPath),
  ];
}

function filesOf(plan: Plan, node: Node, { root, image, version }: InitOptions): OutputFile[] {
  const textOf = (path: string): string => {
    if (path === configFile) return configurationOf(plan, node, version);
    if (path === podFile) return podOf(podTemplate, plan, image);
    if (path === unit.servicePath) return unit.serviceOf(serviceTemplate);
    if (path === unit.sysusersFile) return sysusersTemplate;
    if (path === unit.dropInPath(unit.socket)) return unit.socketDropIn(plan);
    return unit.serviceDropIn(installedService(root) ?? serviceTemplate, plan);
  };
  // As kubeadm has its manifests.
  const modeOf = (path: string) => (path === podFile ? 0o600 : 0o644);
  return targetsOf(plan.form, root).map((path) => ({
    path,
    text: textOf(path),
    mode: modeOf(path),
  }));
}

/** Did a package, or a person, bring this unit? */
function isInstalled(root: string, name: string): boolean {
  return pathOfUnit(root, name) !== undefined;
}

function pathOfUnit(root: string, name: string): string | undefined {
  return unit.unitFolders.map((folder) => join(root, folder, name)).find(exists);
}

/** The unit that is here already: a package has the program elsewhere. */
function installedService(root: string): string | undefined {
  const path = pathOfUnit(root, unit.service);
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}

/** Who the user is may be known already. */
function sysusers(root: string): string[] {
  return exists(join(root, unit.sysusersFile)) ? [] : [unit.sysusersFile];
}

function hasProgram(root: string): boolean {
  return isInstalled(root, unit.service) || exists(join(root, unit.program));
}

function templateImage(): string {
  return /^\s*image: (\S+)$/m.exec(podTemplate)?.[1] ?? '';
}

function pathsOf({ cacert, cert, key }: CertificateFiles): GivenFiles {
  return {
    ...(cacert && { cacert: cacert.path }),
    ...(cert && { cert: cert.path }),
    ...(key && { key: key.path }),
  };
}

function below(root: string, { cacert, cert, key }: GivenFiles): GivenFiles {
  return {
    ...(cacert !== undefined && { cacert: join(root, cacert) }),
    ...(cert !== undefined && { cert: join(root, cert) }),
    ...(key !== undefined && { key: join(root, key) }),
  };
}
