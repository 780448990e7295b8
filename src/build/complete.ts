/** How every part of the bundle is built: for Node, and not at all where something would be missing. */
import type { InputOptions } from 'rolldown';

export const complete: InputOptions = {
  platform: 'node',
  tsconfig: false, // types are for the checks; the image is built without the file
  // Such as an import that is not found, which would be left for a node_modules that is not there.
  onLog: (level, { message }) => {
    if (level === 'warn') throw new Error(message);
  },
  // What is slow here is another build, as intended.
  checks: { bundlerTimings: false },
};
