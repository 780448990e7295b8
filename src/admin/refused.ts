/** How an operation is refused. */
import { safeText } from '../lib/text/safe-text.ts';

/** What is wrong: whom it means, what it says, or that it must not be done as things stand. */
export type RefusalKind = 'unknown' | 'invalid' | 'conflict';

/** An operation that was not carried out. `message` is one sentence for the operator; nothing has changed. */
export class OperationRefused extends Error {
  override readonly name = 'OperationRefused';
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string) {
    super(safeText(message));
    this.kind = kind;
  }
}
