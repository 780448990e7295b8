/** A member whose answers are written for the terminal of whoever looks: nothing of them is obeyed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { Folder } from '../machine/folder.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';

/** Clears the screen, sets the title, asks the terminal to type, and turns what is read. */
const words = 'sick \u001b[2J\u001b]0;mine\u0007\u009b6n\u202e\u0008 words';
const shown = /sick \ufffd\[2J\ufffd\]0;mine\ufffd\ufffd6n\ufffd\ufffd words/;
/** All but the line break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u;

test('neither the log nor a command shows what a terminal would obey', async () => {
  using folder = new Folder();
  const member = http.createServer((_, response) => response.writeHead(503).end(words));
  member.listen(0, '127.0.0.1');
  await once(member, 'listening');
  try {
    const { port } = member.address() as AddressInfo;
    const admin = join(folder.path, 'admin.sock');
    const flags = ['--endpoints', `m0=http://127.0.0.1:${port}`, '--admin-socket', admin];
    await using balancer = await Balancer.start(flags);
    const { msg, ...fields } = await balancer.logged(({ event }) => event === 'member-changed');
    expect(msg).toMatch(shown);
    expect(`${msg} ${Object.values(fields).join(' ')}`).not.toMatch(obeyed);

    for (const command of ['events', 'status']) {
      const { stdout } = await etcdLb([command, '--admin-socket', admin]);
      expect(stdout).toMatch(/sick \ufffd/);
      expect(stripVTControlCharacters(stdout)).not.toMatch(obeyed);
    }
    expect(await readableLine(port)).toMatch(shown);
  } finally {
    member.closeAllConnections();
    member.close();
  }
});

/** The line of a readable log that tells of the member. */
async function readableLine(port: number): Promise<string> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const args = ['--endpoints', `m0=http://127.0.0.1:${port}`, '--listen', '127.0.0.1:0'];
  const off = ['--observe', 'off', '--admin-socket', 'off', '--log-format', 'pretty'];
  const child = spawn(process.execPath, [main, 'run', ...args, ...off], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('sick')) continue;
    child.kill('SIGTERM');
    await exited;
    return line;
  }
  throw new Error('it has told nothing of the member');
}
