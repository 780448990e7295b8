/**
 * What a process and its descendants have used, as the kernel counts it in /proc: CPU time and
 * resident memory.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time (user and system), µs, and resident memory, bytes. */
export interface Usage {
  readonly cpu: number;
  readonly memory: number;
}

/** sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on. */
const tick = 10_000;

/** Of this process and all its descendants (an nginx worker is a child of its master). */
export function usageOf(pid: number): Usage {
  const tree = descendants(pid);
  return { cpu: sum(tree.map(cpuOf)), memory: sum(tree.map(memoryOf)) };
}

/**
 * schedstat counts what stat counts, in ns instead of ticks of 10 ms, but for each thread that is
 * there. Proxies keep their threads.
 */
function cpuOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  try {
    return sum(
      readdirSync(folder).map((thread) =>
        parseSchedstat(readFileSync(`${folder}/${thread}/schedstat`, 'utf8')),
      ),
    );
  } catch {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpu;
  }
}

function memoryOf(pid: number): number {
  return parseResident(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      parents.set(Number(entry), parseStat(readFileSync(`/proc/${entry}/stat`, 'utf8')).parent);
    } catch {
      // It ended in between.
    }
  }
  const tree = [root];
  for (const member of tree) {
    tree.push(...[...parents].filter(([, parent]) => parent === member).map(([pid]) => pid));
  }
  return tree;
}

/** /proc/PID/schedstat: ns on a CPU, ns waiting for one, time slices. Returns µs. */
export function parseSchedstat(text: string): number {
  return Number(text.split(' ')[0]) / 1_000;
}

/** /proc/PID/stat: the parent's pid, and user plus system time in µs. */
export function parseStat(text: string): { readonly parent: number; readonly cpu: number } {
  // The name stands in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  return { parent: parent ?? 0, cpu: ((user ?? 0) + (system ?? 0)) * tick };
}

/** VmRSS of /proc/PID/status, bytes. */
export function parseResident(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1_024;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
