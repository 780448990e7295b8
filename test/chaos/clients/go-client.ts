/** The clients on etcd's Go library (go/main.go), built where a Go toolchain is found. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const source = join(import.meta.dirname, 'go/main.go');
const cache = join(import.meta.dirname, '../../../.cache');
/** Where Debian's golang-etcd-server-dev has the library and what it needs. */
const library = '/usr/share/gocode';

let found: Promise<string | undefined> | undefined;

/**
 * The path of the program. Undefined where there is no `go` or no library, and where it cannot be built,
 * of which a line on stderr tells; never installs anything.
 */
export function findGoClient(): Promise<string | undefined> {
  found ??= find().catch((error: Error) => {
    console.error(`The clients on the Go library cannot be built: ${error.message}`);
    return undefined;
  });
  return found;
}

async function find(): Promise<string | undefined> {
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex');
  const folder = join(cache, 'programs');
  const program = join(folder, `go-client-${hash.slice(0, 12)}-${process.arch}`);
  if (await exists(program)) return program;
  if (!(await exists(join(library, 'src/go.etcd.io/etcd/clientv3')))) return undefined;
  if (!(await hasGo())) return undefined;
  await mkdir(folder, { recursive: true });
  // Of our own until it is complete: another process may be here at the same time.
  const building = `${program}.${process.pid}`;
  try {
    await run('go', ['build', '-o', building, source], {
      env: {
        ...process.env,
        ...{ GO111MODULE: 'off', GOPATH: library, GOFLAGS: '', GOCACHE: join(cache, 'go-build') },
      },
    });
    await rename(building, program);
  } finally {
    await rm(building, { force: true });
  }
  return program;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function hasGo(): Promise<boolean> {
  return run('go', ['version']).then(
    () => true,
    () => false,
  );
}
