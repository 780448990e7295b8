/**
 * Reads Prometheus' text format (version 0.0.4) as strictly as its own parser, and a little more:
 * every family must be declared, once, before its samples.
 */

export interface Sample {
  /** Name and labels as written. */
  readonly series: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

const metric = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const helpLine = new RegExp(`^# HELP (${metric}) (.+)$`);
const typeLine = new RegExp(`^# TYPE (${metric}) (counter|gauge|histogram|summary|untyped)$`);
const sampleLine = new RegExp(
  `^((${metric})(?:\\{((?:${label})(?:,${label})*)\\})?) (-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|[+-]Inf|NaN)$`,
  'i',
);
/** What the samples of a family may be called besides its own name. */
const suffixes: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** Throws `Error` with the line that breaks the format. */
export function parseExposition(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families: Family[] = [];
  let help: { name: string; text: string } | undefined;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, helped, sentence = ''] = helpLine.exec(line) ?? [];
    const [, typed, type = ''] = typeLine.exec(line) ?? [];
    const [, series = '', name, labels = '', value = ''] = sampleLine.exec(line) ?? [];
    const family = families.at(-1);
    if (helped !== undefined && help === undefined) {
      help = { name: helped, text: sentence };
    } else if (typed !== undefined && typed === help?.name) {
      if (families.some((each) => each.name === typed)) throw new Error(`twice: ${line}`);
      families.push({ name: typed, help: help.text, type, samples: [] });
      help = undefined;
    } else if (name !== undefined && family !== undefined && belongs(name, family)) {
      const number = Number(value.replace(/inf$/i, 'Infinity'));
      family.samples.push({ series, name, labels: readLabels(labels), value: number });
    } else {
      throw new Error(`not in the format: ${line}`);
    }
  }
  return families;
}

function belongs(name: string, family: Family): boolean {
  return (suffixes[family.type] ?? ['']).some((suffix) => name === family.name + suffix);
}

function readLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]));
}
