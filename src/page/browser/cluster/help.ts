/** The shape of a headline, and what helps, as text to copy: commands, and where to read on. Pure. */
import type { Tone } from '../lib/tone.ts';
import type { StatusUpdate } from '../wire.ts';

export interface Headline {
  readonly tone: Tone;
  readonly word: string;
  readonly sentence: string;
  /** What helps, the best first. */
  readonly help?: readonly Help[];
  /** The start of a time that is shown beside the word and not read out, ISO 8601. */
  readonly since?: string;
}

export interface Help {
  /** What it is for, as the start of a line. */
  readonly what: string;
  /** A command line, or a page of the documentation. */
  readonly text: string;
}

/** What `etcd-lb check` finds. */
export function check({ configFile }: Pick<StatusUpdate, 'configFile'>): Help {
  // Without a file its settings are flags and variables, which are not known here.
  const flags = configFile === undefined ? '' : ` --config ${shellWord(configFile)}`;
  return { what: 'Look for causes', text: `etcd-lb check${flags}` };
}

/** What has happened to a member. */
export function eventsOf(member: string | undefined): Help {
  const flags = member === undefined ? '' : ` --member ${shellWord(member)}`;
  return { what: 'See what happened', text: `etcd-lb events${flags}` };
}

export function recipe(what: string): Help {
  return { what: `${what}, step by step`, text: 'docs/recipes.md' };
}

/** A word that a shell takes as it is: names may come from the cluster. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
