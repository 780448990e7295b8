/**
 * The shapes a setting's text can have, as zod schemas from text to value; options.ts gives each
 * setting one. Text only, whatever the source: `0660` in YAML means what it means in a flag.
 *
 * zod/mini, because bundled it is a fifth of zod. Every message is a reason as in a `SettingError`.
 */
import * as z from 'zod/mini';
import { formatDuration, parseDuration } from './values/duration.ts';
import { splitList } from './values/list.ts';

/** From a string, or a list of them, to `T`. */
export type Shape<T> = z.ZodMiniType<T, unknown>;

const isEmpty = 'is empty; write a value, or leave it out for the default';

/** One text, trimmed and not empty. */
export const word = z
  .string('takes one value, not a list')
  .check(z.trim(), z.minLength(1, isEmpty));

/** One text of at most 64 printable characters, spaces included. */
export const line = grammar((text) => {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(text)) return text;
  throw new Error(`${JSON.stringify(text)} is not a name; write at most 64 printable characters`);
});

/** The words of a list, or of several; may be none. */
export const words: Shape<string[]> = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((text: string | string[]) => splitList(text)),
);

/** One value in a grammar of its own; what `parse` throws is the reason. */
export function grammar<T>(parse: (text: string) => T): Shape<T> {
  return z.pipe(word, parsed(parse));
}

/** Any number of values in a grammar of their own. */
export function listOrNone<T>(parse: (text: string) => T, some = words): Shape<T[]> {
  return z.pipe(some, z.array(z.pipe(z.string(), parsed(parse))));
}

/** One or more values in a grammar of their own. */
export function list<T>(parse: (text: string) => T): Shape<T[]> {
  return listOrNone(parse, words.check(z.refine((list) => list.length > 0, isEmpty)));
}

/** One to four values in a grammar of their own, or the word `off` for none. */
export function listOrOff<T>(parse: (text: string) => T): Shape<T[]> {
  return z.pipe(
    words.check(
      z.refine((list) => list.length > 0, isEmpty),
      z.refine((list) => list.length <= 4, 'has more than 4 values; leave some out'),
      z.refine(
        (list) => list.length === 1 || !list.includes('off'),
        'has off beside addresses; write one or the other',
      ),
    ),
    z.pipe(
      z.transform((list: string[]) => (list.length === 1 && list[0] === 'off' ? [] : list)),
      z.array(z.pipe(z.string(), parsed(parse))),
    ),
  );
}

/** One of these words, as they are spelt. */
export function oneOf<const T extends readonly string[]>(choices: T): Shape<T[number]> {
  const text = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return z.pipe(
    word,
    z.enum(choices, {
      error: ({ input }) => `${JSON.stringify(input)} is not one of the choices; write ${text}`,
    }),
  );
}

/** A switch: `on` and `off`, or `true` and `false` as programs in Go have it. */
export const onOrOff: Shape<boolean> = z.pipe(
  oneOf(['on', 'off', 'true', 'false']),
  z.transform((text) => text === 'on' || text === 'true'),
);

/** A whole number, 1 or more. */
export const count = wholeNumber(1);

/** A whole number, 0 included. */
export const countOrZero = wholeNumber(0);

/** A whole part of a hundred, 1 to 100. */
export const percent = grammar((text) => {
  const value = /^\d{1,3}%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
  if (value >= 1 && value <= 100) return value;
  throw new Error(`${JSON.stringify(text)} is not a share; write one from 1% to 100%`);
});

/** A duration in ms, 0 included. */
export const durationOrZero = grammar(parseDuration);

/** A duration in ms, above 0. */
export const duration = durationOrZero.check(
  z.refine((ms) => ms > 0, 'must be longer than 0; write 2s or 250ms'),
);

/** Off, or an idle time that the kernel can keep: it counts in whole seconds up to 32767. */
export const keepalive = durationOrZero.check(
  z.refine((ms) => ms % 1000 === 0 && ms <= 32_767_000, {
    error: ({ input }) =>
      `${formatDuration(Number(input))} is not possible; write whole seconds up to 9h, or 0 for none`,
  }),
);

/** Permission bits from octal digits, `0660` or `660`. */
export const mode = grammar((text) => {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new Error(`${JSON.stringify(text)} is not an octal mode; write one such as 0660`);
});

function wholeNumber(least: 0 | 1) {
  return grammar((text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new Error(
      `${JSON.stringify(text)} is not a number of ${least} or more; write one, such as 2`,
    );
  });
}

function parsed<T>(parse: (text: string) => T) {
  return z.transform((text: string, context): T => {
    try {
      return parse(text);
    } catch (error) {
      const { message } = error as Error;
      context.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    }
  });
}
