/**
 * The four tones in which the page speaks; each comes with an icon and a word, never as colour alone.
 *
 * - `ok`: as it should be.
 * - `note`: as somebody wanted it, or about to be clear.
 * - `warn`: clients are served, and less may go wrong than before.
 * - `bad`: clients are not served, or writes are refused.
 */
export type Tone = 'ok' | 'note' | 'warn' | 'bad';
