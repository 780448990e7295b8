/**
 * Text that comes from outside (answers of members, DNS, certificates, errors that quote them), made safe to show.
 *
 * A terminal obeys control characters: ESC moves the cursor, sets its title, and on some terminals types
 * commands. Invisible characters of Unicode turn the order of what is read. So text is made safe where it comes
 * in, once, and everything that shows it (the log, events, `/status`, commands) has it as it is.
 */

/**
 * C0 and C1 controls, format characters (directions, zero width), separators of lines and paragraphs, and halves
 * of surrogate pairs.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line: white space becomes single spaces, and what a terminal obeys or does not show becomes U+FFFD. */
export function safeText(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(unsafe, '\u{fffd}');
}
