/**
 * `npm run schema`: the JSON Schema of the configuration file, config/etcd-lb.schema.json, with which editors complete
 * and check it. It is generated from the table of settings (config/options.ts): a new row needs nothing here.
 *
 * Owns how a setting's shape maps to JSON Schema. zod knows the input of a shape and the words of a choice. Grammars are
 * code, so simple grammars are patterns here, and other grammars accept any text.
 * YAML has types and etcd-lb reads text only: editors see `2` and `0660` as numbers, so numbers are accepted.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import * as z from 'zod/mini';
import { type OptionSpec, options } from '../config/options.ts';
import * as shapes from '../config/shapes.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

const someDuration = '(\\d+(\\.\\d+)?(ns|us|µs|μs|ms|s|m|h))+';
const durationOrZero: JsonSchema = {
  anyOf: [{ type: 'string', pattern: `^(${someDuration}|0)$` }, { const: 0 }],
};

/** The schemas of shapes whose grammar a pattern can express. */
const grammars: ReadonlyMap<unknown, JsonSchema> = new Map<unknown, JsonSchema>([
  // Editors see `true` as a boolean, and `on` as text.
  [shapes.onOrOff, { enum: ['on', 'off', true, false, 'true', 'false'] }],
  [shapes.count, wholeNumber(1)],
  [shapes.countOrZero, wholeNumber(0)],
  [shapes.duration, { type: 'string', pattern: `^(?=.*[1-9])${someDuration}$` }],
  [shapes.durationOrZero, durationOrZero],
  [shapes.keepalive, durationOrZero],
  [
    shapes.mode,
    {
      // The digits are octal for etcd-lb and decimal for YAML.
      anyOf: [
        { type: 'string', pattern: '^0?[0-7]{3}$' },
        { type: 'integer', minimum: 0, maximum: 777 },
      ],
    },
  ],
]);

/** The schema of a file with any settings except `config`, as text. */
export function configSchema(): string {
  const settings = options.filter(({ key }) => key !== 'config');
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'etcd-lb',
    description:
      'Configuration file of etcd-lb. Each key is also a flag and an environment variable.',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(settings.map((option) => [option.name, schemaOf(option)])),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function schemaOf({ shape, help, default: text }: OptionSpec): JsonSchema {
  return {
    description: help,
    ...(text !== undefined && { default: asWritten(text) }),
    ...(grammars.get(shape) ?? words(shape) ?? input(shape)),
  };
}

/** The schema of a choice between words. */
function words(shape: shapes.Shape<unknown>): JsonSchema | undefined {
  const { type, enum: choices } = toJsonSchema(shape, 'output');
  return choices && { ...(type && { type }), enum: choices };
}

/** The schema of what zod accepts before the grammar; numbers are accepted as text. */
function input(shape: shapes.Shape<unknown>): JsonSchema {
  const { $schema: _, ...schema } = toJsonSchema(shape, 'input');
  return schema;
}

function toJsonSchema(shape: shapes.Shape<unknown>, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(shape, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const isText = jsonSchema.type === 'string' && jsonSchema.enum === undefined;
      if (isText) Object.assign(jsonSchema, { type: ['string', 'number'] });
    },
  });
}

function wholeNumber(least: 0 | 1): JsonSchema {
  const digits = least === 0 ? '^\\d+$' : '^0*[1-9]\\d*$';
  return {
    anyOf: [
      { type: 'integer', minimum: least },
      { type: 'string', pattern: digits },
    ],
  };
}

/** A default as written in a file: digits without quotes, if that does not change them. */
function asWritten(text: string): string | number {
  return String(Number(text)) === text ? Number(text) : text;
}

if (import.meta.main) {
  const file = join(import.meta.dirname, '../../config/etcd-lb.schema.json');
  writeFileSync(argv[2] ?? file, configSchema());
}
