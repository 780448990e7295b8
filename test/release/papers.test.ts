/**
 * What is shipped beside the bundle: the notices of licences and the bill of materials name what is in it and nothing
 * else, a schema and npm agree with the bill, and the manual page is one, of all commands and settings.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { thisNode } from '../../src/build/licences/node.ts';
import { noticeOf } from '../../src/build/licences/notice.ts';
import { packagesOf } from '../../src/build/licences/packages.ts';
import { sbomOf } from '../../src/build/licences/sbom.ts';
import { createProgram } from '../../src/cli/program.ts';
import { envName, options } from '../../src/config/options.ts';
import { findGroff } from '../machine/programs.ts';
import { type Built, built } from './build.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');

interface Component {
  readonly name: string;
  readonly purl: string;
  readonly licenses: unknown;
  readonly hashes: unknown;
  readonly components?: readonly { name: string; version: string }[];
}

let build: Built;
beforeAll(async () => {
  build = await built();
});
afterAll(() => build[Symbol.asyncDispose]());

const read = (name: string) => readFile(join(build.folder, name), 'utf8');
const componentsIn = (sbom: string) => JSON.parse(sbom).components as readonly Component[];

describe('the packages in the bundle', () => {
  test('are those that the program and its page use, and no tool', () => {
    const names = build.packages.map(({ name }) => name);
    const used = ['@grpc/grpc-js', 'cockatiel', 'commander', 'etcd3', 'hono', 'pino', 'uplot'];
    expect(names).toEqual(expect.arrayContaining([...used, 'prom-client', 'yaml', 'zod']));
    for (const tool of ['rolldown', 'typescript', 'vitest', 'ajv', 'node']) {
      expect(names).not.toContain(tool);
    }
  });

  test('are known by the lockfile: version, licence, hash', async () => {
    const inner = join(root, 'node_modules/pino-pretty/node_modules/sonic-boom');
    const [nested] = await packagesOf([join(inner, 'index.js'), join(root, 'src/cli/main.ts')]);
    const found = JSON.parse(await readFile(join(inner, 'package.json'), 'utf8'));
    expect(nested).toMatchObject({ name: 'sonic-boom', version: found.version, licence: 'MIT' });
    await expect(packagesOf([join(root, 'node_modules/nobody/index.js')])).rejects.toThrow(
      'package-lock.json tells no version, licence and hash of node_modules/nobody: install it.',
    );
  });
});

describe('NOTICE', () => {
  test('has the text of the licence of each package', async () => {
    const notice = await read('NOTICE');
    for (const { name, version, licence, texts } of build.packages) {
      expect(notice).toContain(`\n${name} ${version} (${licence})\n\n`);
      expect(texts.join('')).toMatch(/licen[cs]e|permission|copyright/i);
      for (const text of texts) expect(notice).toContain(text.trim().replaceAll('\r\n', '\n'));
    }
    expect(notice).toContain('Copyright (c) 2022 Leon Sorokin'); // of uPlot, which is in the page
    expect(notice).not.toContain('OpenSSL');
  });

  test('has the licence of Node where that is shipped too', async () => {
    const notice = noticeOf(build.packages, await thisNode());
    expect(notice).toContain(`\nNode.js ${process.versions.node} (`);
    expect(notice).toContain('OpenSSL');
  });
});

describe('the bill of materials', () => {
  test('is a CycloneDX document', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    for (const sbom of [await read('etcd-lb.cdx.json'), sbomOf(build.packages, await thisNode())]) {
      expect(await validator.validate(sbom)).toBeNull();
      expect(await validator.validate(sbom.replace('"SHA-512"', '"SHA-1024"'))).not.toBeNull();
    }
  });

  test('has the packages, each as npm describes it', async () => {
    const components = componentsIn(await read('etcd-lb.cdx.json'));
    expect(components).toHaveLength(build.packages.length);
    const { stdout } = await exec(
      'npm',
      ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'],
      { cwd: root, maxBuffer: 1e8 },
    );
    const byPurl = new Map(componentsIn(stdout).map((each) => [each.purl, each]));
    for (const { purl, licenses, hashes } of components) {
      expect({ purl, ...byPurl.get(purl) }).toMatchObject({ purl, licenses, hashes });
    }
  });

  test('has Node and what it contains where that is shipped too', async () => {
    const node = componentsIn(sbomOf(build.packages, await thisNode())).at(-1);
    expect(node?.purl).toBe(`pkg:generic/node@${process.versions.node}`);
    const { openssl } = process.versions;
    expect(node?.components).toContainEqual(
      expect.objectContaining({ name: 'openssl', version: openssl }),
    );
  });
});

describe('the manual page', () => {
  test('pleases groff', async () => {
    const { path, env } = await findGroff();
    const flags = ['-man', '-Tutf8', '-ww', '-Kutf8', join(build.folder, 'etcd-lb.1')];
    const { stdout, stderr } = await exec(path, flags, { env: { ...process.env, ...env } });
    expect(stderr).toBe('');
    expect(stdout).toContain(manifest.version);
  });

  test('has every setting and every command', async () => {
    const page = (await read('etcd-lb.1')).replaceAll('\\-', '-').replaceAll('\\&', '');
    for (const { name, placeholder, help } of options) {
      expect(page).toContain(`\\fB--${name}\\fR \\fI${placeholder}\\fR\n${help}`);
      expect(page).toContain(`${envName(name)}.`);
    }
    const commands = createProgram().commands.map((command) => command.name());
    expect(commands).toContain('drain');
    for (const name of commands.filter((each) => each !== 'help')) {
      expect(page).toMatch(new RegExp(`^\\\\fBetcd-lb ${name}[ \\\\]`, 'm'));
    }
  });
});
