/** Histories of one register in short words, made by hand, at random, and by carrying operations out. */
import fc from 'fast-check';
import type { Action, Operation } from '../../chaos/check/operations.ts';

export const never = Number.POSITIVE_INFINITY;

export const put = (begun: number, ended: number, value: string, client = 'a'): Operation => ({
  ...{ client, begun, ended, action: { kind: 'write', value } },
});

export const get = (
  begun: number,
  ended: number,
  value: string | null,
  client = 'b',
): Operation => ({ ...{ client, begun, ended, action: { kind: 'read', value } } });

export const swap = (
  begun: number,
  ended: number,
  expected: string | null,
  value: string,
  done = true,
): Operation => ({
  ...{ client: 'c', begun, ended, action: { kind: 'swap', expected, value, done } },
});

/** What the register holds afterwards; undefined where this answer cannot be. */
function carryOut(held: string | null, action: Action): string | null | undefined {
  if (action.kind === 'write') return action.value;
  if (action.kind === 'read') return action.value === held ? held : undefined;
  if (action.done) return action.expected === held ? action.value : undefined;
  return action.expected === held ? undefined : held;
}

/** Tries every order of every choice among the unknown ones. */
export function isLinearizableByForce(
  left: readonly Operation[],
  held: string | null = null,
): boolean {
  if (left.every(({ ended }) => ended === never)) return true;
  return left.some((operation) => {
    const others = left.filter((other) => other !== operation);
    if (others.some(({ ended }) => ended < operation.begun)) return false;
    const { action } = operation;
    const next = carryOut(held, action);
    return next !== undefined && isLinearizableByForce(others, next);
  });
}

/** What a client does, and how long each part of it takes. */
interface Step {
  readonly client: number;
  readonly kind: 'write' | 'read' | 'swap';
  readonly pause: number;
  readonly before: number;
  readonly after: number;
  /** No answer: `late` is carried out after so much more time, `not` never. */
  readonly fate: 'answered' | 'late' | 'not';
  readonly delay: number;
  /** For a swap: expects what is there, or what was there so many values ago. */
  readonly age: number;
}

const time = fc.integer({ min: 1, max: 20 });

export const steps = (size: { readonly minLength: number; readonly maxLength: number }) =>
  fc.array(
    fc.record<Step>({
      client: fc.integer({ min: 0, max: 3 }),
      kind: fc.constantFrom('write', 'read', 'read', 'swap'),
      ...{ pause: time, before: time, after: time },
      fate: fc.constantFrom('answered', 'answered', 'answered', 'answered', 'late', 'not'),
      delay: fc.integer({ min: 0, max: 200 }),
      age: fc.constantFrom(0, 0, 0, 1, 2, 5),
    }),
    size,
  );

/**
 * Carries steps out on a register, each at its moment, and returns what the clients have seen. Each
 * client has one operation in flight at a time; what is never answered is given up after a while.
 */
export function simulate(plan: readonly Step[]): Operation[] {
  const clocks = new Map<number, number>();
  const timed = plan.map((step, index) => {
    const begun = (clocks.get(step.client) ?? 0) + step.pause;
    const ended = begun + step.before + step.after;
    clocks.set(step.client, ended);
    const moment = begun + step.before + (step.fate === 'late' ? step.delay : 0);
    return { step, begun, ended, moment, value: `v${index}` };
  });
  const past: (string | null)[] = [null];
  return timed
    .toSorted((a, b) => a.moment - b.moment)
    .flatMap(({ step, begun, ended, value }) => {
      const held = past.at(-1) ?? null;
      const isAnswered = step.fate === 'answered';
      if (step.kind === 'read') {
        return isAnswered ? [get(begun, ended, held, `client ${step.client}`)] : [];
      }
      const expected = past.at(-1 - step.age) ?? null;
      const happens = step.fate !== 'not' && (step.kind === 'write' || expected === held);
      if (happens) past.push(value);
      const action: Action =
        step.kind === 'write'
          ? { kind: 'write', value }
          : { kind: 'swap', expected, value, done: expected === held };
      const client = `client ${step.client}`;
      return [{ client, begun, ended: isAnswered ? ended : never, action }];
    });
}

/** A few operations with any answers, right or wrong. */
export const anyOperations = fc
  .integer({ min: 1, max: 6 })
  .chain((count) => {
    const value = fc.option(
      fc.integer({ min: 0, max: count - 1 }).map((index) => `v${index}`),
      { nil: null },
    );
    return fc.array(
      fc.record({
        kind: fc.constantFrom('write', 'read', 'swap'),
        begun: fc.integer({ min: 0, max: 9 }),
        length: fc.integer({ min: 0, max: 4 }),
        isUnknown: fc.constantFrom(true, false, false),
        ...{ value, done: fc.boolean() },
      }),
      { minLength: count, maxLength: count },
    );
  })
  .map((drawn) =>
    drawn.map(({ kind, begun, length, isUnknown, value, done }, index): Operation => {
      const ended = isUnknown && kind !== 'read' ? never : begun + length;
      if (kind === 'write') return put(begun, ended, `v${index}`);
      if (kind === 'read') return get(begun, ended, value);
      return swap(
        begun,
        ended,
        value === `v${index}` ? null : value,
        `v${index}`,
        done || ended === never,
      );
    }),
  );
