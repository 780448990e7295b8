/** An error whose message is one sentence for a person: the command line prints it, without a stack. */
export class SentenceError extends Error {}
