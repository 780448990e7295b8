/**
 * The rules of docs/architecture.md, each a function from sources to sentences about what breaks it.
 * Pure: the sources are given, so that each rule can be seen to fail.
 */
import { posix } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';

/** Texts of .ts files by path from the root, such as `src/lib/time/ticker.ts`. */
export type Sources = Readonly<Record<string, string>>;

/** Folders as the page lists them, such as `src/lib/`. */
export interface Rooms {
  /** From top to bottom: each may import those after it. */
  readonly ordered: readonly string[];
  /** May import anything; only tools import them. */
  readonly tools: readonly string[];
}

const most = { filesInFolder: 12, linesOfFile: 300, linesOfFunction: 60 } as const;

/** The numbered list, and the bullets that begin with a folder. */
export function roomsIn(page: string): Rooms {
  const folders = (mark: string): string[] =>
    [...page.matchAll(new RegExp(`^${mark} \`(src/[\\w/-]+/)\``, 'gm'))].map(([, at = '']) => at);
  return { ordered: folders('\\d+\\.'), tools: folders('-') };
}

/** Files and folders of the page that are not there. A `<name>` in a path stands for any. */
export function findGone(page: string, exists: (path: string) => boolean): string[] {
  const named = [...page.matchAll(/`((?:src|test)\/[^`\s]+)`/g)].map(([, path = '']) => path);
  return named
    .filter((path) => !path.includes('<') && !exists(path))
    .map(
      (path) => `docs/architecture.md names ${path}, which is not there; name what took its place.`,
    );
}

/** A file is in the innermost folder that is listed. */
export function findUpwards(sources: Sources, { ordered, tools }: Rooms): string[] {
  const roomOf = (file: string): string =>
    [...ordered, ...tools]
      .filter((room) => file.startsWith(room))
      .reduce((inner, room) => (room.length > inner.length ? room : inner), topOf(file));
  return Object.entries(importsOf(sources)).flatMap(([file, imported]) => {
    const room = roomOf(file);
    if (tools.includes(room)) return [];
    const at = ordered.indexOf(room);
    if (at === -1) return [`${file} is in no room of docs/architecture.md; list ${room} there.`];
    return imported.flatMap((other) => {
      const target = roomOf(other);
      if (tools.includes(target)) return [`${file} imports ${other}, which is for tools only.`];
      if (ordered.indexOf(target) >= at) return [];
      return [`${file} imports ${other}, upwards: ${target} stands above ${room}.`];
    });
  });
}

/** Each circle once, from the first of its files by name. */
export function findCycles(sources: Sources): string[] {
  const imports = importsOf(sources);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) found.push(`${[...path.slice(start), file].join(' imports ')}, in a circle.`);
    if (start !== -1 || done.has(file)) return;
    for (const other of imports[file] ?? []) visit(other, [...path, file]);
    done.add(file);
  };
  for (const file of Object.keys(imports).sort()) visit(file, []);
  return found;
}

export function findLoose(sources: Sources): string[] {
  return Object.keys(sources)
    .filter((file) => posix.dirname(file) === 'src')
    .map((file) => `${file} lies loose in src/; put it into a room.`);
}

export function findFull(sources: Sources): string[] {
  const folders = Object.groupBy(Object.keys(sources), (file) => posix.dirname(file));
  return Object.entries(folders)
    .filter(([, files = []]) => files.length > most.filesInFolder)
    .map(
      ([folder, files = []]) =>
        `${folder} holds ${files.length} files, of at most ${most.filesInFolder}; divide it by concept.`,
    );
}

export function findLongFiles(sources: Sources): string[] {
  return Object.entries(sources)
    .map(([file, text]) => ({ file, lines: linesIn(text.trimEnd()) }))
    .filter(({ lines }) => lines > most.linesOfFile)
    .map(({ file, lines }) => `${file} has ${lines} lines, of at most ${most.linesOfFile}.`);
}

export function findLongFunctions(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, text]) => {
    const found: string[] = [];
    const look = ({ start, end }: { start: number; end: number }): void => {
      const lines = linesIn(text.slice(start, end));
      if (lines <= most.linesOfFunction) return;
      const at = linesIn(text.slice(0, start));
      const which = `${file}:${at}: a function has ${lines} lines`;
      found.push(`${which}, of at most ${most.linesOfFunction}.`);
    };
    new Visitor({
      FunctionDeclaration: look,
      FunctionExpression: look,
      ArrowFunctionExpression: look,
    }).visit(parse(file, text).program);
    return found;
  });
}

/** For each file the files of `sources` that it imports, types and `import()` included. */
function importsOf(sources: Sources): Record<string, string[]> {
  const entries = Object.entries(sources).map(([file, text]) => {
    const { module } = parse(file, text);
    const specifiers = [
      ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
      ...module.staticExports.flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
      ),
      // As it is written, quotes included.
      ...module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
        text.slice(start + 1, end - 1),
      ),
    ];
    const files = specifiers.map((each) => posix.join(posix.dirname(file), each));
    return [file, [...new Set(files)].filter((each) => each in sources)] as const;
  });
  return Object.fromEntries(entries);
}

function parse(file: string, text: string): ReturnType<typeof parseSync> {
  const parsed = parseSync(file, text);
  if (parsed.errors.length > 0) throw new Error(`${file}: ${parsed.errors[0]?.message}`);
  return parsed;
}

/** `src/lib/net/failure.ts` to `src/lib/`. */
function topOf(file: string): string {
  return `${file.split('/').slice(0, 2).join('/')}/`;
}

function linesIn(text: string): number {
  return text.split('\n').length;
}
