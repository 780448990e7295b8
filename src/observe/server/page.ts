/**
 * The status page over HTTP: its few files, with headers that isolate it from other pages.
 *
 * The files are loaded on the first request: until then the page costs nothing. A browser asks each time
 * whether its copy is current (ETag), so that a page never runs code of another version. The page itself
 * is src/page/.
 */
import { createHash } from 'node:crypto';

/** One built file of the page. */
export interface PageFile {
  /** For `content-type`. */
  readonly type: string;
  readonly body: string;
}

/** By path relative to the page; the path of the document itself is empty. */
export type PageFiles = Readonly<Record<string, PageFile>>;

export interface PageAnswer extends PageFile {
  readonly code: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
}

/** The page loads from this listener only, and has no inline script or style. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:', // the icon in the tab, which shows the state
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface File extends PageFile {
  readonly etag: string;
}

export class Page {
  readonly #load: () => Promise<PageFiles>;
  #files: Promise<ReadonlyMap<string, File>> | undefined;

  /** @param load gets the files; called once, and again only after a failure. */
  constructor(load: () => Promise<PageFiles>) {
    this.#load = load;
  }

  /**
   * The file at `path`, which is `/` or begins with `/page/`; `undefined` when there is none.
   *
   * @param known the `If-None-Match` of the request.
   */
  async answer(path: string, known: string | undefined): Promise<PageAnswer | undefined> {
    this.#files ??= this.#load().then(withTags);
    this.#files.catch(() => {
      this.#files = undefined;
    });
    const file = (await this.#files).get(path);
    if (file === undefined) return undefined;
    const { type, body, etag } = file;
    const isKnown = known?.includes(etag) === true;
    return {
      ...(isKnown ? { code: 304, body: '' } : { code: 200, body }),
      type,
      headers: {
        etag,
        'cache-control': 'no-cache',
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      },
    };
  }
}

function withTags(files: PageFiles): ReadonlyMap<string, File> {
  return new Map(
    Object.entries(files).map(([name, { type, body }]) => {
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [`/${name}`, { type, body, etag }];
    }),
  );
}
