/** How every part of the bundle is built: for Node, and failing if anything would be missing. */
import type { InputOptions } from 'rolldown';

export const complete: InputOptions = {
  platform: 'node',
  tsconfig: false, // types are checked elsewhere; the image is built without the file
  // Such as an import that is not found, which would be left to a missing node_modules.
  onLog: (level, { message }) => {
    if (level === 'warn') throw new Error(message);
  },
  // The slow part is the build of the deferred packages, as intended.
  checks: { bundlerTimings: false },
};
