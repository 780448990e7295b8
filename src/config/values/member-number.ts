/** A number for one member, `m0=2`, as the settings `weight` and `priority` take them. */
export interface MemberNumber {
  /** As in `endpoints`: the name given there, else `host:port`. */
  readonly member: string;
  readonly value: number;
}

/** Whole, since SRV records have them so (RFC 2782): 1 or `least` to 65535. Throws `Error` with the reason. */
export function parseMemberNumber(least: 0 | 1): (text: string) => MemberNumber {
  return (text) => {
    const [, member = '', digits = ''] = /^(.+)=(\d+)$/.exec(text) ?? [];
    const value = Number(digits);
    if (member !== '' && value >= least && value <= 65_535) return { member, value };
    throw new Error(
      `${JSON.stringify(text)} is not a member and a number from ${least} to 65535; write one such as m0=2`,
    );
  };
}
