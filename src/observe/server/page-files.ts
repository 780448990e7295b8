/** What the status page consists of once it is built: its files, by their path relative to the page. */

export interface PageFile {
  /** For `content-type`. */
  readonly type: string;
  readonly body: string;
}

/** The document itself has the empty path. */
export type PageFiles = Readonly<Record<string, PageFile>>;
