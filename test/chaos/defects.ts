/**
 * Defects that are put into the balancer on purpose, one at a time, to prove that the harness finds such:
 * each is a place in a copy of the sources that is written otherwise.
 */
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Defect {
  readonly name: string;
  /** One clause. */
  readonly what: string;
  /** Under the root of the project. */
  readonly file: string;
  readonly edits: readonly Edit[];
}

interface Edit {
  /** Occurs there once. */
  readonly find: string;
  readonly replace: string;
}

export const defects: readonly Defect[] = [
  {
    name: 'lost-byte',
    what: 'a byte is lost where a socket takes only a part of a chunk',
    file: 'src/proxy/relay/shared-buffer.ts',
    edits: [
      {
        find: 'return enqueue(Buffer.from(buffer.subarray(taken, bytes)), target, resume);',
        replace: 'return enqueue(Buffer.from(buffer.subarray(taken + 1, bytes)), target, resume);',
      },
    ],
  },
  {
    name: 'session-cut',
    what: 'one session in seven is cut after a while',
    file: 'src/proxy/sessions/sessions.ts',
    edits: [
      {
        find: '    if (this.#held) session.relay.hold();\n',
        replace:
          "    if (this.#held) session.relay.hold();\n    if (session.id % 7 === 3) setTimeout(() => session.close('rebalanced'), 4_000).unref();\n",
      },
    ],
  },
  {
    name: 'eviction-forgotten',
    what: 'the sessions of a failed member stay',
    file: 'src/proxy/sessions/member-drains.ts',
    edits: [
      {
        find: 'for (const member of members) {',
        replace: 'for (const member of members.slice(1)) {',
      },
    ],
  },
  {
    name: 'hold-unended',
    what: 'sessions that open after a hold are held for ever',
    file: 'src/proxy/sessions/sessions.ts',
    edits: [{ find: '    this.#held = false;\n', replace: '' }],
  },
  {
    name: 'drain-skips',
    what: 'a drain forgets one session until its time is over',
    file: 'src/proxy/sessions/drainer.ts',
    edits: [
      {
        find: 'const joining = [...sessions].filter(',
        replace:
          "const isDrain = drain.graceful && drain.atDeadline === 'close' && now < drain.deadline;\n    const joining = [...sessions].slice(isDrain ? 1 : 0).filter(",
      },
    ],
  },
  {
    name: 'load-twice',
    what: 'the load of a session that was asked to leave is taken off twice',
    file: 'src/members/load-lease.ts',
    edits: [{ find: '    if (!this.#isHeld) return;\n', replace: '' }],
  },
  {
    name: 'never-restored',
    what: 'a member that has failed is never healthy again',
    file: 'src/health/state/health.ts',
    edits: [
      {
        find: 'if (passedChecks >= rules.rise && now - since >= rules.hold) {',
        replace:
          "if (!(recovering && health.from === 'failed') && passedChecks >= rules.rise && now - since >= rules.hold) {",
      },
    ],
  },
  {
    name: 'goaway-misplaced',
    what: 'GOAWAY is put in one byte before the end of a frame',
    file: 'src/proxy/http2/calls.ts',
    edits: [
      { find: 'if (!this.#fromMember.isBetweenFrames) return false;', replace: 'return false;' },
      { find: 'return gap;', replace: 'return Math.max(0, gap - 1);' },
    ],
  },
  {
    name: 'reload-half',
    what: 'a reload changes the settings and not the members',
    file: 'src/app/wiring.ts',
    edits: [
      {
        find: 'for (const member of membership.configure()) monitor.rewatch(member);',
        replace: '',
      },
    ],
  },
  {
    name: 'descriptor-leaked',
    what: 'every second session that its client ends leaves a descriptor',
    file: 'src/proxy/sessions/sessions.ts',
    edits: [
      {
        find: '    open.delete(session);\n',
        replace:
          "    open.delete(session);\n    if (session.id % 2 === 0) process.getBuiltinModule('node:fs').openSync('/dev/null');\n",
      },
    ],
  },
];

/** The text with the defect in it. Throws where a place is not found once: the code has moved on. */
export function spoil(text: string, { name, file, edits }: Defect): string {
  return edits.reduce((spoiled, { find, replace }) => {
    const parts = spoiled.split(find);
    if (parts.length === 2) return parts.join(replace);
    throw new Error(
      `The place of the defect ${name} occurs ${parts.length - 1} times in ${file}: write it anew.`,
    );
  }, text);
}

/** Makes a copy of the project's sources with the defect. Resolves with the path of its program. */
export async function programWith(defect: Defect, root: string, folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(root, 'src'), join(folder, 'src'), { recursive: true });
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, defect.file);
  await writeFile(file, spoil(await readFile(file, 'utf8'), defect));
  return join(folder, 'src/cli/main.ts');
}
