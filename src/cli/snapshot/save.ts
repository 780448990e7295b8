/**
 * `etcd-lb snapshot save`: takes a snapshot from the member that suits best, and says what it is.
 *
 * Owns the choice on the command line, and the words. Progress goes to standard error, and so does the result where
 * standard output is the snapshot.
 */
import { statSync } from 'node:fs';
import { AdminClient } from '../../admin/client.ts';
import { type Flags, loadSettings } from '../../config/load.ts';
import { formatEndpoint } from '../../config/values/endpoint.ts';
import { SentenceError } from '../../lib/sentence-error.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { count } from '../../lib/text/count.ts';
import { formatBytes, formatSeconds } from '../../lib/text/quantities.ts';
import { inOrderOfChoice } from '../../snapshot/choose.ts';
import { contentsOf } from '../../snapshot/file/inspect.ts';
import { fileSink, type Sink, streamSink } from '../../snapshot/file/sink.ts';
import { type Surveyed, survey } from '../../snapshot/survey.ts';
import { type Taken, takeSnapshot } from '../../snapshot/take.ts';
import { documentOf, type Format } from '../flags/output.ts';
import { ProgressLine } from './progress.ts';

export interface SaveOptions {
  /** The name of the only member that may be asked. */
  readonly from?: string;
  /** Bytes a second. */
  readonly maxRate?: number;
  /** May a file of that name be replaced? */
  readonly force?: true;
  readonly output: Format;
  /** Where a running balancer tells how many sessions each member has. */
  readonly adminSocket: string | undefined;
}

/**
 * @param target a path, or `-` for standard output.
 * Throws `ConfigError` before any member is asked, and `SentenceError` when nothing was saved; then nothing is left of it.
 */
export async function saveSnapshot(
  flags: Flags,
  target: string,
  options: SaveOptions,
): Promise<void> {
  const { settings } = loadSettings({ flags, env: process.env });
  if (target !== '-' && options.force !== true) refuseTaken(target);
  const sessions = await sessionsByUrl(options.adminSocket);
  const surveyed = await survey(settings, (each) => sessions.get(formatEndpoint(each)) ?? 0);
  const chosen = choose(surveyed, options.from);
  const progress = new ProgressLine(process.stderr);
  try {
    const taken = await takeSnapshot({
      sources: chosen.map(({ source }) => source),
      target: target === '-' ? 'standard output' : target,
      sink: sinks(target, options.force === true),
      ...{ maxRate: options.maxRate, signal: untilSignal() },
      onProgress: (each) => progress.show(each),
      onFailed: (name, why) => progress.say(`${name} did not send a whole snapshot: ${why}.`),
    });
    progress.end();
    await report(target, taken, options.output);
  } finally {
    progress.end();
  }
}

/** Before the members are asked; that it is refused at the end as well is sink.ts. */
function refuseTaken(path: string): void {
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isThere) throw new ConfigError(`${path} is there already; write another name, or --force.`);
}

function choose(surveyed: readonly Surveyed[], from: string | undefined): Surveyed[] {
  if (from === undefined) return inOrderOfChoice(surveyed);
  const named = surveyed.filter(({ name }) => name === from);
  if (named.length > 0) return named;
  const names = surveyed.map(({ name }) => name).join(', ');
  throw new ConfigError(`--from: ${from} is not a member; write one of ${names}.`);
}

/** By the member's URL; empty where no balancer runs here. */
async function sessionsByUrl(socket: string | undefined): Promise<Map<string, number>> {
  if (socket === undefined) return new Map();
  try {
    const { members } = await new AdminClient(socket).status();
    return new Map(members.map(({ endpoint, sessions }) => [endpoint, sessions]));
  } catch {
    return new Map(); // a snapshot needs no running balancer
  }
}

/** Every attempt writes a new file; standard output can be written once. */
function sinks(target: string, replaces: boolean): () => Promise<Sink | undefined> {
  if (target !== '-') return () => fileSink(target, replaces);
  let isUsed = false;
  return () => {
    const sink = isUsed ? undefined : streamSink(process.stdout);
    isUsed = true;
    return Promise.resolve(sink);
  };
}

/** A signal ends the attempt, so that nothing half-written is left; a second one ends the process at once. */
function untilSignal(): AbortSignal {
  const aborted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () =>
      aborted.abort(new SentenceError(`Ended by ${name}; no snapshot was saved.`)),
    );
  }
  return aborted.signal;
}

async function report(target: string, taken: Taken, format: Format): Promise<void> {
  const { from, size, sha256, durationMs } = taken;
  const took = `${formatBytes(size)} in ${formatSeconds(durationMs)}`;
  if (target === '-') {
    console.error(`The snapshot of ${from} is whole: ${took}.`);
    return;
  }
  const { contents } = contentsOf(target);
  if (format !== 'table') {
    const whole = { file: target, from, size, durationMs: Math.round(durationMs), sha256 };
    process.stdout.write(await documentOf({ ...whole, ...contents }, format));
    return;
  }
  const known =
    contents === undefined
      ? ''
      : `, revision ${contents.revision}, ${count(contents.members, 'member')}`;
  console.log(`Saved ${target} from ${from}: ${took}${known}.`);
}
