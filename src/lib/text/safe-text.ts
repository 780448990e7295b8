/**
 * Makes text from outside (answers of members, DNS, certificates, errors that quote them) safe to show.
 *
 * A terminal obeys control characters: ESC moves the cursor, sets its title, and on some terminals types
 * commands. Invisible Unicode characters change the order of text. So text is made safe once, where it comes
 * in, and everything that shows it (the log, events, `/status`, commands) uses it as it is.
 */

/**
 * C0 and C1 controls, format characters (directions, zero width), separators of lines and paragraphs, and halves
 * of surrogate pairs.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line: white space becomes single spaces, and unsafe characters become U+FFFD. */
export function safeText(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(unsafe, '\u{fffd}');
}
