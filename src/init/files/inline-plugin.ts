/** A plugin that puts the texts of templates.ts into the bundle, in place of the files that it reads. */
import type { Plugin } from 'rolldown';
import * as templates from './templates.ts';

export function inlineTemplates(): Plugin {
  return {
    name: 'inline-templates',
    load: {
      filter: { id: /[\\/]src[\\/]init[\\/]files[\\/]templates\.ts$/ },
      handler: () =>
        Object.entries(templates)
          .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`)
          .join('\n'),
    },
  };
}
