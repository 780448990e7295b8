/** Refused operations. */
import { safeText } from '../lib/text/safe-text.ts';

/** Nothing of that name, a malformed request, or a conflict with the current state. */
export type RefusalKind = 'unknown' | 'invalid' | 'conflict';

/** An operation that was not carried out and changed nothing. `message` is one sentence for the operator. */
export class OperationRefused extends Error {
  override readonly name = 'OperationRefused';
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string) {
    super(safeText(message));
    this.kind = kind;
  }
}
