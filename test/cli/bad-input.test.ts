/**
 * What is wrong with the command line, the environment, the file or this machine: one sentence that
 * names the setting, where it came from and what to write instead; exit code 2; nothing started.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import { etcdLb } from '../support/balancer.ts';
import { createCertificates } from '../support/certificates.ts';
import { isOpen } from './client.ts';

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const { folder, server, client, expired } = parts.use(await createCertificates());
const files = await mkdtemp(join(tmpdir(), 'etcd-lb-bad-input-'));
parts.defer(() => rm(files, { recursive: true }));
/** Where nobody listens, before and after. */
const [port = 0, spare = 0] = await freePorts(2);
const free = `127.0.0.1:${port}`;
/** Opened by one test, whose other address is taken, and closed again. */
const opened = `127.0.0.1:${spare}`;
const taken = await occupy();

const listen = ['--listen', free];
const members = ['--endpoints', 'http://127.0.0.1:1'];
const valid = [...listen, ...members];
const secureMembers = ['--endpoints', 'https://127.0.0.1:1'];

interface Case {
  readonly what: string;
  /** After `run`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Written to a file, which `--config` names. */
  readonly file?: string;
  /** How the sentence begins, `etcd-lb: ` aside: the setting and where it came from. */
  readonly names: string;
  /** What else it has to say. */
  readonly says: readonly string[];
}

/** Stands for the path of a case's file. */
const FILE = '<file>';

describe.concurrent('the command line', () => {
  check([
    {
      what: 'an unknown flag',
      args: [...listen, '--endpionts', 'http://127.0.0.1:1'],
      names: '--endpionts is not a flag of etcd-lb run;',
      says: ['did you mean --endpoints?'],
    },
    {
      what: "a neighbour's flag",
      args: [...listen, '--etcd-servers', 'http://127.0.0.1:1'],
      names: "--etcd-servers is kube-apiserver's;",
      says: ['write --endpoints.'],
    },
    {
      what: "a neighbour's short flag",
      args: ['-f', '/etc/etcd-lb/etcd-lb.yaml'],
      names: "-f is HAProxy's;",
      says: ['write --config.'],
    },
    {
      what: 'a flag without its value, at the end',
      args: [...valid, '--balance'],
      names: '--balance needs a value;',
      says: ['write --balance POLICY.'],
    },
    {
      what: 'a stray word',
      args: [...valid, '--balance', 'random', 'now'],
      names: '"now" is one word too many;',
      says: ['see etcd-lb run --help.'],
    },
    {
      what: 'a switch with a word that is neither on nor off',
      args: [...valid, '--reuse-port', 'yes'],
      names: '--reuse-port: "yes" is not one of the choices;',
      says: ['write on, off, true or false'],
    },
    {
      what: 'all of a help without the help',
      args: [...valid, '--all'],
      names: '--all goes with --help;',
      says: ['write etcd-lb run --help --all.'],
    },
  ]);

  test.each([
    { args: ['rnu'], says: 'rnu is not a command; did you mean run?' },
    { args: ['start'], says: 'start is not a command; did you mean run?' },
    { args: ['--versoin'], says: '--versoin is not a flag of etcd-lb; did you mean --version?' },
    {
      args: ['--listen', ':2379'],
      says: '--listen is a flag of a command; write etcd-lb run --listen.',
    },
  ])('without a command: $args', async ({ args, says }) => {
    expect(await etcdLb(args)).toEqual({
      ...{ code: 2, signal: null, stdout: '' },
      stderr: `etcd-lb: ${says}\n`,
    });
  });
});

/** The same wrong value from each source, which the sentence then names. */
describe.concurrent.each([
  { setting: 'check-rise', value: '0', wrong: '"0" is not a number', right: 'of 1 or more' },
  { setting: 'check-interval', value: '2', wrong: '"2" has no unit', right: 'write 2s or 250ms' },
])('--$setting $value', ({ setting, value, wrong, right }) => {
  const variable = `ETCD_LB_${setting.replaceAll('-', '_').toUpperCase()}`;
  const says = [wrong, right];
  check([
    {
      what: 'as a flag',
      args: [...valid, `--${setting}`, value],
      names: `--${setting}:`,
      says,
    },
    {
      what: 'in the environment',
      args: valid,
      env: { [variable]: value },
      names: `${variable}:`,
      says,
    },
    {
      what: 'in the file',
      args: valid,
      file: `log-level: info\n${setting}: ${value}\n`,
      names: `${FILE}:2:${setting.length + 3}: ${setting}:`,
      says,
    },
  ]);
});

describe.concurrent('a value', () => {
  check([
    {
      what: 'below the least',
      args: [...valid, '--check-fall', '-1'],
      names: '--check-fall:',
      says: ['"-1"', '1 or more'],
    },
    {
      what: 'that is no duration',
      file: `listen: ${free}\nendpoints: 127.0.0.1:1\ncheck-timeout: soon\n`,
      names: `${FILE}:3:16: check-timeout:`,
      says: ['"soon" is not a duration', 'write 2s or 250ms'],
    },
    {
      what: 'of zero where there must be time',
      args: [...valid, '--dial-timeout', '0'],
      names: '--dial-timeout:',
      says: ['longer than 0'],
    },
    {
      what: 'that is none of the choices',
      args: valid,
      env: { ETCD_LB_BALANCE: 'fair' },
      names: 'ETCD_LB_BALANCE:',
      says: [
        '"fair"',
        'write least-connections, least-calls, round-robin, random, leader or nearest',
      ],
    },
    {
      what: 'that is no octal mode',
      args: valid,
      file: 'socket-mode: 0888\n',
      names: `${FILE}:1:14: socket-mode:`,
      says: ['"0888"', 'such as 0660'],
    },
    {
      what: 'that is no user of this machine',
      args: [...valid, '--socket-owner', 'nobody-of-this-name'],
      names: '--socket-owner:',
      says: ['"nobody-of-this-name" is not in /etc/passwd', 'or its number'],
    },
    {
      what: 'of a check URL for one member only',
      args: [...valid, '--check-url', 'http://10.0.0.1:2381'],
      names: '--check-url:',
      says: ['no {host}', 'such as http://{host}:2381'],
    },
    {
      what: 'that is a socket where only a port can be',
      args: [...valid, '--observe', 'unix:/run/observe.sock'],
      names: '--observe:',
      says: ['is a Unix socket', 'write host:port'],
    },
    {
      what: 'without a port',
      args: [...members, '--listen', '127.0.0.1'],
      names: '--listen:',
      says: ['"127.0.0.1" has no port', 'write host:port'],
    },
    {
      what: 'with a port that does not exist',
      args: [...listen, '--endpoints', '10.0.0.1:23790000'],
      names: '--endpoints:',
      says: ['"23790000" is out of range', 'write 1 to 65535'],
    },
    {
      what: 'that is empty',
      args: [...members, '--listen', ''],
      names: '--listen:',
      says: ['is empty', 'leave it out for the default'],
    },
    {
      what: 'of an empty path for the file',
      args: [...valid, '--config', ''],
      names: '--config:',
      says: ['is empty', 'leave it out'],
    },
    {
      what: 'with a password, which is not repeated',
      args: [...listen, '--endpoints', 'http://root:hunter2@127.0.0.1:1'],
      names: '--endpoints: a URL has a user or password;',
      says: ['write only scheme://host:port'],
    },
    {
      what: 'of a variable that is no setting',
      args: valid,
      env: { ETCD_LB_ENDPOINT: 'http://127.0.0.1:1' },
      names: 'ETCD_LB_ENDPOINT',
      says: ['is not a setting', 'did you mean ETCD_LB_ENDPOINTS?'],
    },
  ]);
});

describe.concurrent('values that do not go together', () => {
  check([
    {
      what: 'a fast interval longer than a default',
      args: [...valid, '--check-fast-interval', '3s'],
      names: '--check-fast-interval: 3s',
      says: ['--check-interval 1s (default)', 'write at most 1s'],
    },
    {
      what: 'a check that outlasts the confirmation of a failure',
      args: valid,
      env: { ETCD_LB_CHECK_TIMEOUT: '1m', ETCD_LB_CHECK_FALL: '3' },
      names: 'ETCD_LB_CHECK_TIMEOUT: 1m',
      says: ['(default)', '--check-fall 3 (ETCD_LB_CHECK_FALL)', 'write at most 3s'],
    },
    {
      what: 'a race after the end',
      args: [...valid, '--dial-timeout', '100ms'],
      names: '--dial-race-after (default): 250ms',
      says: ['--dial-timeout 100ms', 'write less, or a longer'],
    },
    {
      what: 'to observe where clients connect',
      args: [...valid, '--observe', free],
      names: `--observe: ${free}`,
      says: ['--listen address', 'write another port, or off'],
    },
    {
      what: 'to observe twice at one port',
      args: [...valid, '--observe', '127.0.0.1:9379,:9379'],
      names: '--observe: 127.0.0.1:9379 and [::]:9379 cannot both be open;',
      says: ['leave one out'],
    },
    {
      what: 'to observe nowhere and somewhere',
      args: [...valid, '--observe', 'off,127.0.0.1:9379'],
      names: '--observe: has off beside addresses;',
      says: ['write one or the other'],
    },
    {
      what: 'to be called what no terminal shows',
      args: [...valid, '--name', 'cp1\u001b[31m'],
      names: '--name: "cp1\\u001b[31m" is not a name;',
      says: ['64 printable characters'],
    },
    {
      what: 'to listen twice at one port',
      args: [...members, '--listen', `${free},:${port}`],
      names: '--listen:',
      says: [`${free} and [::]:${port} cannot both be open`, 'leave one out'],
    },
  ]);
});

describe.concurrent('TLS of our own', () => {
  const shown = ['--tls-cert', server.cert, '--tls-key', server.key];
  check([
    {
      what: 'terminated without a word on whom to let in',
      args: [...valid, '--tls', 'terminate', ...shown],
      names: '--client-ca (not set): --tls terminate must know whom to let in;',
      says: ['or none to let in everybody'],
    },
    {
      what: 'terminated without a certificate',
      args: [...valid, '--tls', 'terminate', '--client-ca', 'none'],
      names: '--tls-cert (not set): clients must be shown a certificate',
      says: ['write the paths of --tls-cert and --tls-key'],
    },
    {
      what: 'terminated with a key that does not match',
      args: [...valid, '--tls', 'terminate', '--tls-cert', server.cert, '--tls-key', client.key],
      names: `--tls-key: ${client.key} does not belong to the certificate ${server.cert} (--tls-cert);`,
      says: ['give the two that were made together'],
    },
    {
      what: 'originated on a TCP port, loopback too',
      args: [...listen, ...secureMembers, '--tls', 'originate'],
      names: `--listen: under --tls originate every process that reaches ${free}`,
      says: ['write unix:/path, or --plaintext-tcp on'],
    },
    {
      what: 'originated to members that speak none',
      args: [...members, '--listen', 'unix:/x', '--tls', 'originate'],
      names: '--endpoints: http://127.0.0.1:1 speaks no TLS',
      says: ['write https, or --tls passthrough'],
    },
    {
      what: 'with names of clients that nobody can check',
      args: [
        ...valid,
        '--tls',
        'terminate',
        ...shown,
        '--client-ca',
        'none',
        '--allow-client',
        'a',
      ],
      names: '--allow-client: clients are asked for no certificate under --client-ca none;',
      says: ['write the path of their authorities there'],
    },
  ]);
});

describe.concurrent('endpoints', () => {
  const others = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = others.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  check([
    {
      what: 'none',
      args: listen,
      names: '--endpoints (not set):',
      says: ['no etcd member is named', 'such as http://10.0.0.1:2379'],
    },
    {
      what: 'one twice',
      args: [...listen, '--endpoints', '127.0.0.1:1, http://127.0.0.1:2', '127.0.0.1:1'],
      names: '--endpoints: 127.0.0.1:1 is named twice',
      says: ['name each member once'],
    },
    {
      what: 'two of one name',
      args: [...listen, '--endpoints', 'a=127.0.0.1:1,a=127.0.0.1:2'],
      names: '--endpoints: a is the name of both',
      says: ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'give each'],
    },
    {
      what: 'http beside https',
      args: listen,
      env: { ETCD_LB_ENDPOINTS: 'http://127.0.0.1:1,https://127.0.0.1:2' },
      names: 'ETCD_LB_ENDPOINTS: http://127.0.0.1:1 and https://127.0.0.1:2',
      says: ['mix http and https', 'write one scheme for all'],
    },
    {
      what: 'an address to listen on',
      args: [...listen, '--endpoints', '0.0.0.0:1'],
      names: '--endpoints:',
      says: ['"0.0.0.0:1"', "write the member's own address"],
    },
    {
      what: 'the balancer itself',
      args: [...listen, '--endpoints', `127.0.0.1:1,${free}`],
      names: `--endpoints: http://${free} is this balancer's own --listen address`,
      says: ['name the etcd members instead'],
    },
    {
      what: 'the balancer itself, which listens where the file says',
      args: ['--endpoints', free],
      file: `listen: ${free}\n`,
      names: `--endpoints: http://${free} is this balancer's own --listen address (${FILE}:1:9)`,
      says: ['name the etcd members instead'],
    },
    {
      what: 'the balancer itself, by default',
      args: [],
      env: { ETCD_LB_ENDPOINTS: 'localhost' },
      names: 'ETCD_LB_ENDPOINTS: http://localhost:2379',
      says: ["this balancer's own --listen address (default)", 'name the etcd members instead'],
    },
    {
      what: 'the balancer itself, which listens everywhere',
      args: ['--listen', `:${port}`, '--endpoints', `[::1]:${port}`],
      names: `--endpoints: http://[::1]:${port} is this balancer's own`,
      says: ['name the etcd members instead'],
    },
    {
      what: 'the balancer itself, which listens on every IPv4 address',
      args: ['--listen', `0.0.0.0:${port}`, '--endpoints', `${own ?? 'localhost'}:${port}`],
      names: `--endpoints: http://${own ?? 'localhost'}:${port} is this balancer's own`,
      says: ['name the etcd members instead'],
    },
  ]);
});

describe.concurrent('the file', () => {
  check([
    {
      what: 'does not exist',
      args: [...valid, '--config', `${files}/missing.yaml`],
      names: `--config: ${files}/missing.yaml cannot be read: no such file or directory;`,
      says: ['write the path of a file'],
    },
    {
      what: 'is a folder',
      args: valid,
      env: { ETCD_LB_CONFIG: files },
      names: `ETCD_LB_CONFIG: ${files} cannot be read:`,
      says: ['directory', 'write the path of a file'],
    },
    {
      what: 'is not YAML',
      args: valid,
      file: 'log-level: info\nendpoints: [127.0.0.1:1\ncheck-rise: 2\n',
      names: `${FILE}:3:1: not valid YAML`,
      says: ['correct it'],
    },
    {
      what: 'has a key that is no setting',
      args: valid,
      file: '# ours\nbalance: random\nchek-rise: 2\n',
      names: `${FILE}:3:1: "chek-rise" is not a setting;`,
      says: ['did you mean "check-rise"?'],
    },
    {
      what: "has a neighbour's key",
      args: valid,
      file: 'listen-client-urls: http://0.0.0.0:2379\n',
      names: `${FILE}:1:1: "listen-client-urls" is etcd's;`,
      says: ['write listen.'],
    },
    {
      what: 'has a key twice',
      args: valid,
      file: 'check-rise: 2\ncheck-rise: 3\n',
      names: `${FILE}:2:1: not valid YAML`,
      says: ['unique', 'correct it'],
    },
    {
      what: 'is a list',
      args: valid,
      file: '- listen\n- endpoints\n',
      names: `${FILE}:1:1: not a map;`,
      says: ['write lines of "name: value"'],
    },
    {
      what: 'has a map where a value belongs',
      args: listen,
      file: 'endpoints:\n  m0: http://127.0.0.1:1\n',
      names: `${FILE}:2:3: endpoints:`,
      says: ['neither a value nor a list', 'write one or the other'],
    },
  ]);
});

describe.concurrent('certificates', () => {
  const secure = [...listen, ...secureMembers];
  check([
    {
      what: 'a certificate and a key that do not match',
      args: [...secure, '--cert', client.cert, '--key', server.key],
      names: `--key: ${server.key} does not belong to the certificate ${client.cert} (--cert);`,
      says: ['give the two that were made together'],
    },
    {
      what: 'an expired certificate',
      args: [...secure, '--cert', expired.cert],
      env: { ETCD_LB_KEY: expired.key },
      names: `--cert: ${expired.cert} expired on `,
      says: ['renew it'],
    },
    {
      what: 'an expired authority',
      args: secure,
      file: `cacert: ${expired.cert}\n`,
      names: `${FILE}:1:9: cacert: ${expired.cert} expired on `,
      says: ['renew it'],
    },
    {
      what: 'a certificate without a key',
      args: secure,
      env: { ETCD_LB_CERT: client.cert },
      names: 'ETCD_LB_CERT: is given without --key;',
      says: ['give both, or neither'],
    },
    {
      what: 'a key without a certificate',
      args: [...secure, '--key', client.key],
      names: '--key: is given without --cert;',
      says: ['give both, or neither'],
    },
    {
      what: 'a certificate that is not there',
      args: [...secure, '--cacert', `${folder}/missing.crt`],
      names: `--cacert: ${folder}/missing.crt cannot be read: no such file or directory;`,
      says: ['write the path of a file'],
    },
    {
      what: 'a key where the certificate belongs',
      args: [...secure, '--cert', client.key, '--key', client.key],
      names: `--cert: ${client.key} holds no PEM certificate;`,
      says: ['write the path of one that does'],
    },
  ]);
});

describe.concurrent('a port in use', () => {
  const observeOff = ['--observe', 'off'];
  check([
    {
      what: 'where clients should connect',
      args: [...members, ...observeOff, '--listen', taken],
      names: `--listen: ${taken} is in use by another process;`,
      says: ['stop it or choose another address'],
    },
    {
      what: 'where clients should connect, as the environment says',
      args: [...members, ...observeOff],
      env: { ETCD_LB_LISTEN: taken },
      names: `ETCD_LB_LISTEN: ${taken} is in use by another process;`,
      says: ['stop it or choose another address'],
    },
    {
      what: 'where clients should connect, as the file says',
      args: [...members, ...observeOff],
      file: `listen: ${taken}\n`,
      names: `${FILE}:1:9: listen: ${taken} is in use by another process;`,
      says: ['stop it or choose another address'],
    },
    {
      what: 'to observe, with nothing left open for clients',
      args: [...members, '--listen', opened, '--observe', taken],
      names: `--observe: ${taken} is in use by another process;`,
      says: ['stop it, choose another address, or write off'],
    },
    {
      what: 'to observe, as the environment says',
      args: [...members, '--listen', '127.0.0.1:0'],
      env: { ETCD_LB_OBSERVE: taken },
      names: `ETCD_LB_OBSERVE: ${taken} is in use by another process;`,
      says: ['stop it, choose another address, or write off'],
    },
    {
      what: 'but an address of another host',
      args: [...members, ...observeOff, '--listen', `192.0.2.1:${port}`],
      names: `--listen: 192.0.2.1:${port} is not an address of this host;`,
      says: ['write one that is, or :PORT'],
    },
    {
      what: 'but an address of another host to observe',
      args: [...members, '--listen', '127.0.0.1:0', '--observe', `[2001:db8::1]:${port}`],
      names: `--observe: [2001:db8::1]:${port} is not an address of this host;`,
      says: ['write one that is'],
    },
    {
      what: 'but a folder that is missing',
      args: [...members, ...observeOff, '--listen', `unix:${files}/missing/etcd.sock`],
      names: `--listen: the folder of unix:${files}/missing/etcd.sock does not exist;`,
      says: ['create it or choose another path'],
    },
  ]);
});

let written = 0;

/** A test for each: refused in one sentence, and nothing started. */
function check(cases: readonly Case[]): void {
  test.each(cases)('$what', async ({ args = [], env = {}, file, names, says }) => {
    written += 1;
    const path = join(files, `${written}.yaml`);
    if (file !== undefined) await writeFile(path, file);
    const all = [...args, ...(file === undefined ? [] : ['--config', path])];
    const { code, signal, stdout, stderr } = await etcdLb(['run', ...all], env);
    const [sentence = '', ...rest] = stderr.split('\n');
    const beginning = `etcd-lb: ${names.replaceAll(FILE, path)}`;
    expect(sentence.slice(0, beginning.length), sentence).toBe(beginning);
    for (const words of says) expect(sentence).toContain(words);
    expect(rest, 'one line').toEqual(['']);
    expect(stderr).not.toContain('hunter2');
    expect({ code, signal, stdout }).toEqual({ code: 2, signal: null, stdout: '' });
    expect(await isOpen(free)).toBe(false);
    // Tests run side by side, and one of them does open this for a moment.
    if (all.includes(opened)) expect(await isOpen(opened)).toBe(false);
  });
}

/** Somebody else's port. */
async function occupy(): Promise<string> {
  const other = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(other, 'listening');
  parts.defer(() => void other.close());
  return `127.0.0.1:${(other.address() as AddressInfo).port}`;
}
