/**
 * The reload: reads the settings again from where they came from, and puts in force what has changed while
 * sessions go on.
 *
 *   flags, environment, file ──► the checks of the start ──► changes ──► trial ──► in force
 *                                       └── refused ◄─────────┴──────────┘
 *
 * All or nothing: what is refused, or fails, changes nothing. Owns the order, and that there is one at a
 * time. app.ts tells each room.
 */
import { isDeepStrictEqual } from 'node:util';
import { changesBetween } from '../../config/changes.ts';
import type { Loaded } from '../../config/load.ts';
import type { Settings } from '../../config/settings.ts';
import { watchFiles } from '../../lib/files/file-watch.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { inWords } from '../../lib/system-error.ts';
import { safeText } from '../../lib/text/safe-text.ts';
import { handOver } from '../../lib/unexpected.ts';
import type { ReloadResult } from '../../observe/events/sentences/operators.ts';

export interface ReloadOptions {
  /** What the start was made with. */
  readonly started: Loaded;
  /** Reads all settings again. Throws `ConfigError`. */
  readonly load: () => Loaded;
  /** Why members could not be used under these settings, as one sentence, or undefined. */
  readonly trial: (settings: Settings) => Promise<string | undefined>;
  /** Puts settings in force. */
  readonly apply: (settings: Settings) => void;
  /** Told of each result. */
  readonly onResult: (result: ReloadResult) => void;
}

export class Reload {
  readonly #options: ReloadOptions;
  #now: Loaded;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#now = options.started;
  }

  /**
   * Reads and applies. One that is asked for while another is under way follows it.
   *
   * @param force also when no member could be used then.
   */
  run(force = false): Promise<ReloadResult> {
    const result = this.#underWay.then(() => this.#run(force));
    this.#underWay = result.catch(() => {});
    return result;
  }

  /** Reloads once for each content that the file is found with, until `signal` aborts. */
  async watch(path: string, signal: AbortSignal): Promise<void> {
    let known: string | undefined;
    const onRest = async (content: string): Promise<void> => {
      if (content === known) return;
      // It may have changed while we started; if it has not, there is nothing to tell.
      const isDue = known !== undefined || this.#isBehind();
      known = content;
      if (isDue) await this.run();
    };
    await watchFiles(() => [path], onRest, signal);
  }

  /** Would a reload change anything, or be refused? */
  #isBehind(): boolean {
    try {
      return !isDeepStrictEqual(this.#options.load().effective, this.#now.effective);
    } catch {
      return true;
    }
  }

  async #run(force: boolean): Promise<ReloadResult> {
    const result = await this.#attempt(force).catch((error: unknown): ReloadResult => {
      if (error instanceof ConfigError) return { kind: 'refused', why: error.message };
      // Not of the settings: descriptors or memory that are short, or a bug, whose stack is to be seen.
      handOver(error);
      const why = `The settings could not be checked: ${safeText(inWords(error))}.`;
      return { kind: 'refused', why };
    });
    this.#options.onResult(result);
    return result;
  }

  async #attempt(force: boolean): Promise<ReloadResult> {
    const { load, started, trial, apply } = this.#options;
    const loaded = load();
    const { settings: now, effective } = this.#now;
    const { settings, ...names } = changesBetween(now, effective, started.effective, loaded);
    loaded.check(settings);
    const applied = { kind: 'applied', ...names } as const;
    if (applied.changed.length === 0) return applied;
    const why = force ? undefined : await trial(settings);
    if (why !== undefined) return { kind: 'refused', why };
    try {
      apply(settings);
    } catch (error) {
      apply(now);
      throw error;
    }
    this.#now = { ...loaded, settings };
    return applied;
  }
}
