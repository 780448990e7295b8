/**
 * The reload: reads the settings again from their sources, and applies what has changed while sessions go on.
 *
 *   flags, environment, file ──► the checks of the start ──► changes ──► trial ──► applied
 *                                       └── refused ◄─────────┴──────────┘
 *
 * All or nothing: a reload that is refused or fails changes nothing. Owns the order, and that only one runs at a
 * time. wiring.ts tells each room.
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
import type { ReloadHistory, ReloadResult } from '../../observe/events/sentences/operators.ts';

export interface ReloadOptions {
  /** The settings of the start. */
  readonly started: Loaded;
  /** Reads all settings again. Throws `ConfigError`. */
  readonly load: () => Loaded;
  /** Why members could not be used under these settings, as one sentence, or undefined. */
  readonly trial: (settings: Settings) => Promise<string | undefined>;
  /** Applies settings. */
  readonly apply: (settings: Settings) => void;
  /** Called with each result. */
  readonly onResult: (result: ReloadResult) => void;
}

export class Reload {
  readonly #options: ReloadOptions;
  #current: Loaded;
  #underWay: Promise<unknown> = Promise.resolve();
  #history: ReloadHistory = { succeededAt: Date.now(), last: undefined };

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#current = options.started;
  }

  /** When the settings were read, and what came of it. */
  get history(): ReloadHistory {
    return this.#history;
  }

  /**
   * Reads and applies the settings. A reload that is requested during another one runs after it.
   *
   * @param force apply even if no member could be used.
   */
  run(force = false): Promise<ReloadResult> {
    const result = this.#underWay.then(() => this.#run(force));
    this.#underWay = result.catch(() => {});
    return result;
  }

  /** Reloads once for each new content of the file, until `signal` aborts. */
  async watch(path: string, signal: AbortSignal): Promise<void> {
    let known: string | undefined;
    const onStable = async (content: string): Promise<void> => {
      if (content === known) return;
      // The first content may differ from that of the start; only then a reload is due.
      const isDue = known !== undefined || this.#isBehind();
      known = content;
      if (isDue) await this.run();
    };
    await watchFiles(() => [path], onStable, signal);
  }

  /** Would a reload change anything, or be refused? */
  #isBehind(): boolean {
    try {
      return !isDeepStrictEqual(this.#options.load().effective, this.#current.effective);
    } catch {
      return true;
    }
  }

  async #run(force: boolean): Promise<ReloadResult> {
    const result = await this.#attempt(force).catch((error: unknown): ReloadResult => {
      if (error instanceof ConfigError) return { kind: 'refused', why: error.message };
      // Not a fault of the settings: a shortage of descriptors or memory, or a bug, whose stack the log must have.
      handOver(error);
      const why = `The settings could not be checked: ${safeText(inWords(error))}.`;
      return { kind: 'refused', why };
    });
    const at = Date.now();
    const succeededAt = result.kind === 'applied' ? at : this.#history.succeededAt;
    this.#history = { succeededAt, last: { at, result } };
    this.#options.onResult(result);
    return result;
  }

  async #attempt(force: boolean): Promise<ReloadResult> {
    const { load, started, trial, apply } = this.#options;
    const loaded = load();
    const { settings: current, effective } = this.#current;
    const { settings, ...names } = changesBetween(current, effective, started.effective, loaded);
    loaded.check(settings);
    const applied = { kind: 'applied', ...names } as const;
    if (applied.changed.length === 0) return applied;
    const why = force ? undefined : await trial(settings);
    if (why !== undefined) return { kind: 'refused', why };
    try {
      apply(settings);
    } catch (error) {
      apply(current);
      throw error;
    }
    this.#current = { ...loaded, settings };
    return applied;
  }
}
