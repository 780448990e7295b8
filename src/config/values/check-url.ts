/**
 * Where members are checked when not at their client URL: etcd serves `/readyz` and `/metrics` on
 * `--listen-metrics-urls` too, often plain http on port 2381. One template serves all members; the
 * path is the probe's own (health/probe.ts).
 */
import { type Endpoint, formatEndpoint } from './endpoint.ts';

const place = '{host}';
const example = 'http://{host}:2381';

/** Returns `text` if it is scheme, `{host}` and port. Throws `Error` with the reason. */
export function parseCheckUrl(text: string): string {
  const quoted = JSON.stringify(text);
  if (text.includes('@')) {
    throw new Error(`a URL has a user or password; write only ${example}`);
  }
  if (!/^https?:\/\//.test(text)) {
    throw new Error(`${quoted} is neither http nor https; write a URL such as ${example}`);
  }
  if (!text.includes(place)) {
    throw new Error(
      `${quoted} has no {host}, so every member would be checked at one place; write a URL such as ${example}`,
    );
  }
  const filled = text.replaceAll(place, 'host');
  if (/[{}]/.test(filled) || !URL.canParse(filled)) {
    throw new Error(`${quoted} is not a URL once {host} is replaced; write one such as ${example}`);
  }
  if (!/^https?:\/\/[^/?#]*\/?$/.test(text)) {
    throw new Error(`${quoted} has a path or query, which are fixed; write only ${example}`);
  }
  return text.replace(/\/$/, '');
}

/** Where to check a member: at its own URL, or where the template says. No slash at the end. */
export function checkUrlOf(endpoint: Endpoint, template: string | undefined): string {
  if (template === undefined) return formatEndpoint(endpoint);
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return template.replaceAll(place, host);
}
